"""Size of the weights that a unit writes with: the baseline that looks at no data."""

import torch
from torch import Tensor

from headshrink.importance.criteria._base import Criterion


class Magnitude(Criterion):
    """L2 norm of a unit's columns of the output projection."""

    needs_passes = False

    def scores(self) -> Tensor:
        out = torch.zeros(self.shape, device=self.device)
        for row, site in zip(out, self.sites, strict=True):
            if site.units:
                row[: site.units] = site.dense.weight.detach().norm(dim=0).view(site.units, -1).norm(dim=1)
        return out
