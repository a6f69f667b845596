"""Imitation of the last layer's attention distributions (MiniLM, Wang et al. 2020, equation 3)."""

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
def minilm_attention(student: Outputs, teacher: Outputs) -> Tensor:
    """KL(teacher || student) of the attention of the last layer with heads, mean over heads and real queries.

    Where the numbers of heads differ, queries and keys of all heads together are cut anew into equally many, as
    MiniLMv2 does. Zero where no layer has heads.
    """
    ours, theirs = layers_of(student), layers_of(teacher)
    last = list(paired_heads(ours, theirs))[-1:]
    losses = [ours.embedding.new_zeros(())]
    for own, other in last:
        queries, keys = relation_heads(own.queries, other.queries), relation_heads(own.keys, other.keys)
        one, two = (relation(q, k) for q, k in zip(queries, keys, strict=True))
        losses.append(relation_divergence(one, two, ours.mask))
    return losses[-1]
