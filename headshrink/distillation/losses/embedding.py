"""Imitation of the embedding layer's output (TinyBERT, Jiao et al. 2020, equation 9)."""

from torch import Tensor

from headshrink.distillation.losses._base import Need, Outputs, needs
from headshrink.distillation.losses._tokens import layers_of, squared_distance


@needs(Need.LAYERS)
def embedding(student: Outputs, teacher: Outputs) -> Tensor:
    """Mean squared difference of the states below the first layer, over real tokens and dimensions."""
    ours, theirs = layers_of(student), layers_of(teacher)
    return squared_distance(ours.embedding, theirs.embedding, ours.mask)
