"""Scores that mean nothing: what a criterion must beat."""

import torch
from torch import Tensor

from headshrink.importance.criteria._base import Criterion


class Random(Criterion):
    """Uniform in [0, 1), the same for the same seed."""

    needs_passes = False

    def scores(self) -> Tensor:
        return torch.rand(self.shape, generator=torch.Generator().manual_seed(self.seed))
