"""Hidden width: dimensions out of the residual stream, from the embeddings to the pooler.

Exact: the cut model computes what the whole one computes with those dimensions held at 0 and every LayerNorm's mean
and variance taken over the dimensions that stay (CoFi, Xia et al. 2022, section 3.1).
"""

import copy
import re
from collections.abc import Iterable
from functools import partial

import torch
from torch import Tensor, nn

from headshrink.importance.gates import differentiable, dropout, frozen_with_hooks
from headshrink.importance.losses import SCORING_LOSSES
from headshrink.model import PairBatch, SentenceEncoder
from headshrink.pruning.cut import as_pruned_config, empty_model

# Which axes of each weight run over the residual stream.
HIDDEN_AXES = {
    r"embeddings\.(word|position|token_type)_embeddings\.weight": (1,),
    r"embeddings\.word_embeddings\.table\.weight": (),
    r"embeddings\.word_embeddings\.projection\.weight": (0,),
    r".*LayerNorm\.(weight|bias)": (0,),
    r".*\.self\.(query|key|value)\.weight": (1,),
    r".*\.self\.(query|key|value)\.bias": (),
    r".*\.intermediate\.dense\.weight": (1,),
    r".*\.intermediate\.dense\.bias": (),
    r".*\.output\.dense\.(weight|bias)": (0,),
    r"pooler\.dense\.weight": (0, 1),
    r"pooler\.dense\.bias": (0,),
}


def cut_width(encoder: SentenceEncoder, dimensions: list[int]) -> SentenceEncoder:
    """A new encoder whose residual stream has only the given dimensions (indices, ascending).

    Embeddings keep their length: where no dense layer follows the pooling at once, one is added that puts the
    dimensions back where they were, with zeros for those cut; distillation may train it. A pooler that makes the
    embedding becomes such a dense layer over [CLS]: a narrow one would make another embedding.
    """
    encoder = _with_pooler_as_dense(encoder)
    config = as_pruned_config(encoder)
    config.hidden_size = len(dimensions)
    backbone = empty_model(config)
    kept = torch.tensor(dimensions)
    backbone.load_state_dict({name: _cut(name, value, kept) for name, value in encoder.backbone.state_dict().items()})
    out = encoder.with_backbone(backbone)
    out.dense = _back_to_full_length(encoder, kept).train(encoder.training)
    return out


def _with_pooler_as_dense(encoder: SentenceEncoder) -> SentenceEncoder:
    """The same embedding without a pooler: its weights in a dense layer over [CLS]."""
    pooler = encoder.pooler
    if pooler is None:
        return encoder
    out = copy.deepcopy(encoder)
    out.pooling, out.backbone.pooler = "cls", None
    out.dense = nn.Sequential(*copy.deepcopy([pooler.dense, pooler.activation]), *out.dense)
    return out


def _cut(name: str, value: Tensor, kept: Tensor) -> Tensor:
    (axes,) = [axes for pattern, axes in HIDDEN_AXES.items() if re.fullmatch(pattern, name)]
    for axis in axes:
        value = value.index_select(axis, kept.to(value.device))
    return value


def _back_to_full_length(encoder: SentenceEncoder, kept: Tensor) -> nn.Sequential:
    """Dense layers that take the narrow pooled state to an embedding of the old length."""
    first = encoder.dense[0] if len(encoder.dense) else None
    if isinstance(first, nn.Linear):
        narrow = nn.Linear(len(kept), first.out_features, bias=first.bias is not None).to(first.weight)
        state = {name: value.clone() for name, value in first.state_dict().items()}
        state["weight"] = state["weight"][:, kept]
        narrow.load_state_dict(state)
        return nn.Sequential(narrow, *list(encoder.dense)[1:])
    hidden = encoder.backbone.config.hidden_size
    narrow = nn.Linear(len(kept), hidden).to(encoder.device)
    with torch.no_grad():
        narrow.weight.copy_(torch.eye(hidden)[:, kept])
        narrow.bias.zero_()
    return nn.Sequential(narrow, nn.Identity(), *encoder.dense)


def dimension_order(encoder: SentenceEncoder, batches: Iterable[PairBatch]) -> list[int]:
    """Dimensions of the residual stream, those that matter most first; equal ones by position."""
    return torch.argsort(dimension_scores(encoder, batches), descending=True, stable=True).tolist()


def dimension_scores(
    encoder: SentenceEncoder, batches: Iterable[PairBatch], loss: str = "teacher_distance", seed: int = 0
) -> Tensor:
    """Mean squared gradient [hidden] of a gate on each dimension of the residual stream, per example.

    One gate a dimension multiplies the outputs of all LayerNorms of the backbone at once.
    """
    norms = [part for name, part in encoder.backbone.named_modules() if name.endswith("LayerNorm")]
    gates: list[Tensor] = []

    def on_output(module: nn.Module, args: tuple[Tensor], output: Tensor) -> Tensor:
        output = differentiable(output)
        output.register_hook(partial(_gate_gradient, gates, output.detach()))
        return output

    hooks = (norm.register_forward_hook(on_output) for norm in norms)
    generator = torch.Generator(encoder.device).manual_seed(seed)
    total, examples = torch.zeros(encoder.backbone.config.hidden_size, device=encoder.device), 0
    with dropout(encoder, on=False), frozen_with_hooks(encoder, hooks):
        for batch in batches:
            en, ru = (encoder.embed_batch(side) for side in batch.sides)
            SCORING_LOSSES[loss](en, ru, generator).backward()
            total += torch.stack(gates).sum(0).square().sum(0)
            examples += len(batch)
            gates.clear()
    return (total / max(1, examples)).cpu()


def _gate_gradient(gates: list[Tensor], output: Tensor, gradient: Tensor) -> None:
    gates.append((output * gradient).sum(1))
