"""Surgery: take heads and FFN neurons out of the weights, so that the model is smaller and faster for it.

Exact: the cut model computes what the whole one computes with the gates of what was cut at 0.
"""

from typing import Any

import torch
from torch import Tensor

from headshrink.errors import HeadshrinkError
from headshrink.model import PrunedBertConfig, PrunedBertModel, SentenceEncoder
from headshrink.model.sites import widths
from headshrink.pruning.plan import Plan


def cut(encoder: SentenceEncoder, plan: Plan) -> SentenceEncoder:
    """A new encoder that keeps the plan's heads and neurons; the one given stays whole.

    Only the tokenizer is shared with the original. A layer left without heads or neurons keeps that block's
    output bias and LayerNorm.
    """
    config = cut_config(encoder, plan)
    backbone = empty_model(config)
    backbone.load_state_dict(cut_weights(encoder.backbone.state_dict(), plan, config.head_size))
    return encoder.with_backbone(backbone)


def cut_config(encoder: SentenceEncoder, plan: Plan) -> PrunedBertConfig:
    """The cut model's configuration: the original's, with widths per layer.

    Raises HeadshrinkError where layers share their weights: a cut of one would be a cut of all.
    """
    config = as_pruned_config(encoder)
    if config.shared_layers:
        raise HeadshrinkError("a model whose layers share their weights cannot be cut layer by layer")
    config.heads_per_layer = [len(kept) for kept in plan.heads]
    config.ffn_per_layer = [len(kept) for kept in plan.ffn]
    return config


def as_pruned_config(encoder: SentenceEncoder) -> PrunedBertConfig:
    """A PrunedBertConfig that describes an encoder's backbone as it is."""
    backbone = encoder.backbone
    raw: dict[str, Any] = backbone.config.to_dict()
    for key in ("model_type", "architectures", "auto_map"):
        raw.pop(key, None)
    raw.setdefault("head_size", backbone.config.hidden_size // backbone.config.num_attention_heads)
    raw |= {"heads_per_layer": widths(backbone, "heads"), "ffn_per_layer": widths(backbone, "ffn")}
    raw |= {"has_pooler": backbone.pooler is not None, "dtype": "float32"}
    return PrunedBertConfig(**raw)


def empty_model(config: PrunedBertConfig) -> PrunedBertModel:
    """A model of a configuration's shape, in eval mode, its weights yet to be loaded; global randomness untouched."""
    with torch.random.fork_rng(devices=[]):
        model: PrunedBertModel = PrunedBertModel(config).train(False)
    return model


def cut_weights(state: dict[str, Tensor], plan: Plan, head_size: int) -> dict[str, Tensor]:
    """A state dict without the rows and columns of what the plan cuts."""
    state = dict(state)
    for layer, (heads, neurons) in enumerate(zip(plan.heads, plan.ffn, strict=True)):
        place = f"encoder.layer.{layer}"
        columns = (torch.tensor(heads, dtype=torch.long)[:, None] * head_size + torch.arange(head_size)).flatten()
        readers = [f"{place}.attention.self.{name}" for name in ("query", "key", "value")]
        _keep(state, readers, f"{place}.attention.output.dense", columns)
        _keep(state, [f"{place}.intermediate.dense"], f"{place}.output.dense", torch.tensor(neurons, dtype=torch.long))
    return state


def _keep(state: dict[str, Tensor], readers: list[str], writer: str, units: Tensor) -> None:
    """Keep `units` among the rows of the linears that make them and the columns of the one that mixes them."""
    if f"{writer}.weight" not in state:  # already emptied
        return
    parts = [(f"{reader}.{part}", 0) for reader in readers for part in ("weight", "bias")]
    for name, axis in [*parts, (f"{writer}.weight", 1)]:
        if len(units):
            state[name] = state[name].index_select(axis, units.to(state[name].device))
        else:
            del state[name]
