"""Imitation of attention before its softmax (TinyBERT, Jiao et al. 2020, equation 7)."""

import torch
from torch import Tensor

from headshrink.distillation.losses._base import Need, Outputs, needs
from headshrink.distillation.losses._tokens import both_real, common_heads, layers_of, paired_heads, relation


@needs(Need.LAYERS)
def attention_scores(student: Outputs, teacher: Outputs) -> Tensor:
    """Mean squared difference of the scores of all heads over real queries and keys, mean over layers.

    The paper found scores to converge faster than maps. Heads are compared one to one where both layers have equally
    many, and by their mean where not; a layer without heads is left out.
    """
    ours, theirs = layers_of(student), layers_of(teacher)
    cells = both_real(ours.mask)
    losses = [ours.embedding.new_zeros(())]
    for own, other in paired_heads(ours, theirs):
        one, two = common_heads(relation(own.queries, own.keys), relation(other.queries, other.keys))
        losses.append(((one - two).pow(2).mean(1, keepdim=True) * cells).sum() / cells.sum())
    return torch.stack(losses).sum() / max(1, len(losses) - 1)
