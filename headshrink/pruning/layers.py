"""Whole layers out: the baseline that every finer cut must beat at equal parameters."""

import torch
from torch import Tensor

from headshrink.model import PairBatch, SentenceEncoder
from headshrink.model.sites import KINDS, widths
from headshrink.pruning.cut import as_pruned_config, empty_model


def keep_layers(encoder: SentenceEncoder, layers: list[int]) -> SentenceEncoder:
    """A new encoder of the given layers (indices, ascending), everything else as it was."""
    config = as_pruned_config(encoder)
    config.num_hidden_layers = len(layers)
    config.heads_per_layer, config.ffn_per_layer = (
        [widths(encoder.backbone, kind)[layer] for layer in layers] for kind in KINDS
    )
    backbone = empty_model(config)
    backbone.load_state_dict(_renumbered(encoder.backbone.state_dict(), layers))
    return encoder.with_backbone(backbone)


def first_to_last(there: int, count: int) -> list[int]:
    """Indices of `count` of so many layers, evenly spaced, the first and the last among them."""
    return [round(i * (there - 1) / max(1, count - 1)) for i in range(count)]


def _renumbered(state: dict[str, Tensor], layers: list[int]) -> dict[str, Tensor]:
    """A state dict with only the given layers, counted from 0 again."""
    places = {f"encoder.layer.{old}.": f"encoder.layer.{new}." for new, old in enumerate(layers)}
    out = {name: value for name, value in state.items() if not name.startswith("encoder.layer.")}
    for old, new in places.items():
        out |= {new + name.removeprefix(old): value for name, value in state.items() if name.startswith(old)}
    return out


def choose_layers(encoder: SentenceEncoder, count: int, batches: list[PairBatch]) -> list[int]:
    """Indices of `count` layers to keep: drop one at a time, always the one whose going moves the embeddings least.

    The measure is the mean cosine to the whole encoder's embeddings over `batches`.
    """
    whole = _embeddings(encoder, batches)
    layers = list(range(len(encoder.backbone.encoder.layer)))
    while len(layers) > count:
        trials = [[layer for layer in layers if layer != gone] for gone in layers]
        cosines = [float((_embeddings(keep_layers(encoder, trial), batches) * whole).sum()) for trial in trials]
        layers = trials[max(range(len(trials)), key=cosines.__getitem__)]
    return layers


@torch.inference_mode()
def _embeddings(encoder: SentenceEncoder, batches: list[PairBatch]) -> Tensor:
    """Unit embeddings of both sides of all batches, [sentences, dimension]."""
    rows = [encoder.embed_batch(side) for batch in batches for side in batch.sides]
    return torch.nn.functional.normalize(torch.cat(rows), dim=-1)
