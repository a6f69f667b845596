"""Fisher information of gates with its interactions inside a layer (Kwon et al. 2022, eq. 7 and 12)."""

from collections.abc import Sequence

import torch
from torch import Tensor

from headshrink.importance.criteria._base import SlowCriterion
from headshrink.importance.criteria._greedy import quadratic_costs
from headshrink.model.sites import Site


class Fisher(SlowCriterion):
    """Second-order cost of closing gates: closing the set S of a layer costs half the sum of F over S x S.

    F, the mean over examples of the outer product of an example's gate gradients, stands for the Hessian. Two units
    that do the same cost more together than apart; the greedy removal sees that, the diagonal does not. With the loss
    `teacher_distance` F is the Gauss-Newton matrix of half the squared distance to the teacher's embedding.
    """

    def __init__(self, sites: Sequence[Site], seed: int = 0) -> None:
        super().__init__(sites, seed)
        self.information = torch.zeros(*self.shape, self.shape[1], device=self.device)
        self.examples = torch.zeros((), dtype=torch.long, device=self.device)

    def update(self, gate_grad: Tensor) -> None:  # [examples, layers, units]
        self.information += torch.einsum("eli,elj->lij", gate_grad, gate_grad)
        self.examples += len(gate_grad)

    def sums(self) -> dict[str, Tensor]:
        return {"information": self.information, "examples": self.examples}

    def diagonal(self) -> Tensor:
        """Cost of closing each gate alone [layers, units]."""
        return self.information.diagonal(dim1=1, dim2=2) / (2 * self.examples.clamp(min=1))

    def unit_costs(self, site: Site) -> Tensor:
        own = self.information[site.layer, : site.units, : site.units]
        return quadratic_costs(own / self.examples.clamp(min=1))
