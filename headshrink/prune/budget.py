"""Spend a budget of parameters, bytes, FLOPs or milliseconds where the estimated loss is least."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from headshrink.errors import HeadshrinkError
from headshrink.importance.scores import Scores
from headshrink.model import SentenceEncoder
from headshrink.model.sites import KINDS, Kind, Site, sites
from headshrink.prune.plan import Plan

Measure = Literal["parameters", "bytes", "flops", "ms"]
BlockCost = Callable[[Kind, int], float]
"""(kind, units) -> what one block costs with so many units."""

BYTES_PER_PARAMETER = 4  # fp32
MOST_POINTS = 5_000  # of a frontier; beyond it nearby costs are merged


@dataclass(frozen=True)
class Option:
    """One width of one block: how many units stay, what that costs, and the loss that the others' going is put at."""

    units: int
    cost: float
    loss: float


def solve(groups: Sequence[Sequence[Option]], budget: float) -> list[Option]:
    """One option of each group, so that the costs add up to at most `budget` and the losses to as little as they can.

    The multiple-choice knapsack, exact by its Pareto frontier (Nemhauser and Ullmann 1969), as long as that has at
    most MOST_POINTS points; beyond, of points closer in cost than 1/MOST_POINTS of the budget the one of least loss
    stays. Raises HeadshrinkError where even the cheapest options cost more, naming what they cost.
    """
    smallest = sum(min(option.cost for option in group) for group in groups)
    if smallest > budget:
        raise HeadshrinkError(f"a budget of {budget:.6g} cannot be reached: the smallest reachable is {smallest:.6g}")
    costs, losses, rest = np.zeros(1), np.zeros(1), smallest
    steps: list[tuple[np.ndarray, np.ndarray]] = []  # of each group: where a point came from, and by which option
    for group in groups:
        rest -= min(option.cost for option in group)
        costs = (costs[:, None] + [option.cost for option in group]).ravel()
        losses = (losses[:, None] + [option.loss for option in group]).ravel()
        best = _frontier(costs, losses, budget - rest)
        steps.append((best // len(group), best % len(group)))
        costs, losses = costs[best], losses[best]
    chosen, point = [], int(losses.argmin())
    for group, (came_from, option) in zip(reversed(groups), reversed(steps), strict=True):
        chosen.append(group[option[point]])
        point = came_from[point]
    return chosen[::-1]


def _frontier(costs: np.ndarray, losses: np.ndarray, budget: float) -> np.ndarray:
    """Indices of the points within budget that no other beats in both cost and loss, by rising cost."""
    order = np.lexsort((losses, costs))
    order = order[costs[order] <= budget * (1 + 1e-12)]
    lowest = np.minimum.accumulate(np.concatenate([[np.inf], losses[order]]))
    best = order[losses[order] < lowest[:-1]]
    if len(best) <= MOST_POINTS:
        return best
    buckets = (costs[best] / (budget / MOST_POINTS)).astype(int)
    last_of_bucket = np.append(np.diff(buckets) > 0, True)  # it has the bucket's least loss
    last_of_bucket[0] = True
    return best[last_of_bucket]


def options(scores: Tensor, site: Site, cost: BlockCost, multiple: int) -> list[Option]:
    """The widths that a block may take: none, all, and the multiples of `multiple` between.

    A width's loss is the sum of the lowest scores, which is right for scores that are costs (`fisher`, `obs`).
    """
    going = torch.cat([torch.zeros(1, dtype=torch.float64), scores[: site.units].double().sort().values.cumsum(0)])
    kept = sorted({*range(0, site.units, multiple), site.units})
    return [Option(units, cost(site.kind, units), float(going[site.units - units])) for units in kept]


def plan_budget(
    encoder: SentenceEncoder,
    scores: Scores,
    share: float,
    fixed: float,
    cost: BlockCost,
    multiples: dict[Kind, int] | None = None,
) -> Plan:
    """The plan of least estimated loss that costs at most `share` of the encoder as it is.

    `cost` prices a block by its width, `fixed` is what is paid whatever is cut (embeddings, LayerNorms, the rest).
    `multiples` rounds widths to what the hardware likes; default 1 head and 8 neurons. Raises HeadshrinkError for a
    share that cutting heads and neurons cannot reach.
    """
    multiples = multiples or {"heads": 1, "ffn": 8}
    blocks = sites(encoder.backbone)
    whole = fixed + sum(cost(site.kind, site.units) for site in blocks)
    groups = [options(getattr(scores, site.kind)[site.layer], site, cost, multiples[site.kind]) for site in blocks]
    smallest = fixed + sum(min(option.cost for option in group) for group in groups)
    if smallest > share * whole:
        raise HeadshrinkError(
            f"a budget of {share:.1%} cannot be reached by cutting heads and FFN neurons: the smallest is "
            f"{smallest / whole:.1%}; cut the vocabulary, the embedding rank or the hidden width too"
        )
    plan = Plan(heads=[], ffn=[])
    for site, option in zip(blocks, solve(groups, share * whole - fixed), strict=True):
        row = getattr(scores, site.kind)[site.layer][: site.units]
        best = torch.argsort(row, descending=True, stable=True)[: option.units]
        getattr(plan, site.kind).append(sorted(best.tolist()))
    return plan


def block_cost(
    encoder: SentenceEncoder, measure: Literal["parameters", "bytes", "flops"], tokens: int = 32
) -> BlockCost:
    """Price of a block in parameters, fp32 bytes, or FLOPs for one sentence of `tokens` tokens.

    FLOPs count a multiplication and an addition as two, in the linear layers and in the two products of attention.
    """
    hidden = encoder.backbone.config.hidden_size
    head_size = max(site.unit_width for site in sites(encoder.backbone) if site.kind == "heads")
    weights: dict[Kind, int] = {"heads": head_size * (4 * hidden + 3), "ffn": 2 * hidden + 1}
    flops: dict[Kind, int] = {
        "heads": 2 * tokens * head_size * 4 * hidden + 4 * tokens**2 * head_size,
        "ffn": 2 * tokens * 2 * hidden,
    }
    each = {
        "parameters": weights,
        "bytes": {kind: BYTES_PER_PARAMETER * weights[kind] for kind in KINDS},
        "flops": flops,
    }[measure]
    return lambda kind, units: float(each[kind] * units)


def fixed_cost(encoder: SentenceEncoder, measure: Literal["parameters", "bytes", "flops"]) -> float:
    """What an encoder costs beside its heads and neurons; in FLOPs nothing, lookups and LayerNorms not counted."""
    if measure == "flops":
        return 0.0
    cost = block_cost(encoder, "parameters")
    rest = sum(weight.numel() for weight in encoder.parameters())
    rest -= sum(int(cost(site.kind, site.units)) for site in sites(encoder.backbone))
    return float(rest * (BYTES_PER_PARAMETER if measure == "bytes" else 1))
