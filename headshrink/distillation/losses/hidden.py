"""Imitation of hidden states, layer by layer (TinyBERT, Jiao et al. 2020, equation 8)."""

import torch
from torch import Tensor

from headshrink.distillation.losses._base import Need, Outputs, needs
from headshrink.distillation.losses._tokens import layers_of, squared_distance


@needs(Need.LAYERS)
def hidden(student: Outputs, teacher: Outputs) -> Tensor:
    """Mean over the layers of the mean squared difference of their outputs, over real tokens and dimensions."""
    ours, theirs = layers_of(student), layers_of(teacher)
    pairs = zip(ours.hidden, theirs.hidden, strict=True)
    return torch.stack([squared_distance(*states, ours.mask) for states in pairs]).mean()
