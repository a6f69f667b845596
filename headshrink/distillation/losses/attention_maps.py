"""Imitation of attention after its softmax: the attention transfer of TinyBERT's ablation (Jiao et al. 2020)."""

import torch
from torch import Tensor

from headshrink.distillation.losses._base import Need, Outputs, needs
from headshrink.distillation.losses._tokens import (
    common_heads,
    layers_of,
    mean_over_tokens,
    paired_heads,
    relation,
    without_padding,
)


@needs(Need.LAYERS)
def attention_maps(student: Outputs, teacher: Outputs) -> Tensor:
    """Squared distance of attention distributions, mean over heads, real queries and layers.

    Summed over keys, not averaged: a distribution has one unit to share, so a long sentence weighs as much as a short
    one. Heads are compared as in `attention_scores`.
    """
    ours, theirs = layers_of(student), layers_of(teacher)
    losses = [ours.embedding.new_zeros(())]
    for own, other in paired_heads(ours, theirs):
        maps = (relation(heads.queries, heads.keys) for heads in (own, other))
        one, two = common_heads(*(without_padding(logits, ours.mask).softmax(-1) for logits in maps))
        losses.append(mean_over_tokens((one - two).pow(2).sum(-1).mean(1), ours.mask))
    return torch.stack(losses).sum() / max(1, len(losses) - 1)
