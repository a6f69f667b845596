"""Patient knowledge distillation: the [CLS] states of intermediate layers (Sun et al. 2019, equation 7)."""

import torch
from torch import Tensor
from torch.nn.functional import normalize

from headshrink.distillation.losses._base import Need, Outputs, needs
from headshrink.distillation.losses._tokens import layers_of


@needs(Need.LAYERS)
def pkd(student: Outputs, teacher: Outputs) -> Tensor:
    """Squared distance of unit-length [CLS] states, mean over sentences and over all layers but the last.

    The last layer is left to the other losses, as in the paper; a student of one layer has that one compared.
    """
    ours, theirs = layers_of(student).hidden, layers_of(teacher).hidden
    pairs = list(zip(ours, theirs, strict=True))
    losses = [(normalize(a[:, 0], dim=-1) - normalize(b[:, 0], dim=-1)).pow(2).sum(-1).mean() for a, b in pairs]
    return torch.stack(losses[:-1] or losses).mean()
