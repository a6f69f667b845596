"""Greedy removal: what each unit costs at the moment when it is the cheapest one left."""

import torch
from torch import Tensor

ROUNDS_BETWEEN_COPIES = 8  # that leave out what is gone: a copy costs more than a few wasted products


def quadratic_costs(interactions: Tensor) -> Tensor:
    """Cost of every unit [units] when a set S of closed gates costs half the sum of interactions [units, units] over S.

    Units go one by one, always the cheapest next to those already gone; a unit's cost is what it then adds, and never
    less than an earlier one's, so that costs rank units as the removal did.
    """
    matrix = interactions.double()
    marginal = matrix.diagonal() / 2
    out = torch.zeros_like(marginal)
    highest = marginal.new_zeros(())
    for _ in range(len(matrix)):
        unit = int(marginal.argmin())
        highest = torch.maximum(highest, marginal[unit])
        out[unit] = highest
        marginal = marginal + matrix[unit]
        marginal[unit] = torch.inf
    return out


def reconstruction_costs(weight: Tensor, covariance: Tensor, unit_width: int, rounds: int = 96) -> Tensor:
    """Cost of every unit [units] when the inputs that stay are refitted after every removal (ZipLM, eq. 2 and 3).

    `weight` [out, in] in coordinates where squared error is what matters, `covariance` [in, in] of the inputs,
    positive definite; a unit is `unit_width` neighbouring inputs. Removing unit S from inverse covariance C costs
    tr(W_S (C_SS)^-1 W_S') / 2 and leaves W - W_S (C_SS)^-1 C_S and C - C_:S (C_SS)^-1 C_S. Units go in about `rounds`
    groups, the cheapest first, and the update is exact for the group.
    """
    total = len(covariance) // unit_width
    removal = _Removal(weight, covariance, unit_width)
    out = torch.zeros(total, dtype=torch.float64, device=weight.device)
    highest, group = out.new_zeros(()), max(1, total // rounds)
    for done, gone in enumerate(range(0, total, group), start=1):
        costs = removal.costs()
        going = costs.argsort(stable=True)[: min(group, total - gone)]
        reached = torch.maximum(costs[going].cummax(0).values, highest)
        out[removal.units[going]], highest = reached, reached[-1]
        removal.remove(going)
        if done % ROUNDS_BETWEEN_COPIES == 0:
            removal.forget_gone(total - gone - len(going))
    return out


class _Removal:
    """Weights and inverse covariance while units go, refitted for what is gone.

    A unit that is gone stays in the matrices as one that explains nothing, until `forget_gone`.
    """

    def __init__(self, weight: Tensor, covariance: Tensor, unit_width: int) -> None:
        self.width = unit_width
        self.inverse = torch.cholesky_inverse(torch.linalg.cholesky(covariance))
        self.weight = weight.to(self.inverse, copy=True)
        self.units = torch.arange(len(covariance) // unit_width, device=covariance.device)  # by their first numbers
        self.gone = torch.zeros(len(self.units), dtype=torch.bool, device=covariance.device)

    def costs(self) -> Tensor:
        """What removing each unit alone costs now; infinite for those that are gone."""
        if self.width == 1:  # FFN neurons: the systems are divisions
            twice = self.weight.square().sum(0) / self.inverse.diagonal()
        else:
            units = len(self.units)
            blocks = self.inverse.view(units, self.width, units, self.width).diagonal(dim1=0, dim2=2).permute(2, 0, 1)
            columns = self.weight.view(-1, units, self.width).permute(1, 2, 0)  # [units, width, out]
            twice = (columns * torch.linalg.solve(blocks, columns)).sum((1, 2))
        return (twice / 2).masked_fill(self.gone, torch.inf)

    def remove(self, going: Tensor) -> None:
        """Take units away, given by their places, and refit the others."""
        columns = self._columns(going)
        across = self.inverse[columns]
        pull = torch.linalg.solve(across[:, columns], across)  # [going, all]
        self.weight.addmm_(self.weight[:, columns], pull, alpha=-1)
        self.inverse.addmm_(across.T, pull, alpha=-1)
        self.weight[:, columns], self.inverse[columns], self.inverse[:, columns] = 0, 0, 0
        self.inverse[columns, columns] = 1
        self.gone[going] = True

    def forget_gone(self, left: int) -> None:
        """Shrink the matrices to the `left` units that are there."""
        staying = self.gone.long().argsort(stable=True)[:left]
        columns = self._columns(staying)
        self.weight = self.weight.index_select(1, columns)
        self.inverse = self.inverse.index_select(0, columns).index_select(1, columns)
        self.units, self.gone = self.units[staying], self.gone[staying]

    def _columns(self, places: Tensor) -> Tensor:
        return (places[:, None] * self.width + torch.arange(self.width, device=places.device)).flatten()
