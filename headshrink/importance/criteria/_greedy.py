"""Greedy removal: what each unit costs at the moment when it is the cheapest one left."""

import torch
from torch import Tensor


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
    units = len(covariance) // unit_width
    inverse, weight = torch.cholesky_inverse(torch.linalg.cholesky(covariance)), weight.double()
    left = torch.arange(units)
    out = torch.zeros(units, dtype=torch.float64, device=weight.device)
    highest = out.new_zeros(())
    group = max(1, units // rounds)
    while len(left):
        costs = _single_costs(weight, inverse, unit_width)
        order = costs.argsort(stable=True)
        going, staying = order[:group], order[group:].sort().values
        for unit in going.tolist():
            highest = torch.maximum(highest, costs[unit])
            out[left[unit]] = highest
        weight, inverse = _remove(weight, inverse, _columns(going, unit_width), _columns(staying, unit_width))
        left = left[staying.cpu()]
    return out


def _columns(units: Tensor, unit_width: int) -> Tensor:
    return (units[:, None] * unit_width + torch.arange(unit_width, device=units.device)).flatten()


def _single_costs(weight: Tensor, inverse: Tensor, unit_width: int) -> Tensor:
    """What removing each unit alone costs now."""
    if unit_width == 1:  # FFN neurons: the systems are divisions
        return weight.square().sum(0) / inverse.diagonal() / 2
    units = len(inverse) // unit_width
    places = torch.arange(units, device=weight.device)
    blocks = inverse.view(units, unit_width, units, unit_width)[places, :, places]  # [units, width, width]
    columns = weight.view(-1, units, unit_width).permute(1, 2, 0)  # [units, width, out]
    twice: Tensor = (columns * torch.linalg.solve(blocks, columns)).sum((1, 2))
    return twice / 2


def _remove(weight: Tensor, inverse: Tensor, going: Tensor, staying: Tensor) -> tuple[Tensor, Tensor]:
    """Weights and inverse covariance over what stays, refitted for what goes."""
    across = inverse[going][:, staying]
    pull = torch.linalg.solve(inverse[going][:, going], across)  # [going, staying]
    return weight[:, staying] - weight[:, going] @ pull, inverse[staying][:, staying] - across.T @ pull
