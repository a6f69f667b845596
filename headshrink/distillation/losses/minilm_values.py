"""Imitation of the last layer's value relations (MiniLM, Wang et al. 2020, equations 4 to 6)."""

from torch import Tensor

from headshrink.distillation.losses._base import Need, Outputs, needs
from headshrink.distillation.losses._tokens import (
    layers_of,
    paired_heads,
    relation,
    relation_divergence,
    relation_heads,
)


@needs(Need.LAYERS)
def minilm_values(student: Outputs, teacher: Outputs) -> Tensor:
    """KL(teacher || student) of softmax(V V^T / sqrt(size)) in the last layer with heads, mean as in its attention.

    The relations are [tokens, tokens] whatever the width: neither projection nor equal heads are needed.
    """
    ours, theirs = layers_of(student), layers_of(teacher)
    losses = [ours.embedding.new_zeros(())]
    for own, other in list(paired_heads(ours, theirs))[-1:]:
        one, two = relation_heads(own.values, other.values)
        losses.append(relation_divergence(relation(one, one), relation(two, two), ours.mask))
    return losses[-1]
