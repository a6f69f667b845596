"""Spend a budget of parameters, bytes, FLOPs or milliseconds where the estimated loss is least."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from headshrink.errors import HeadshrinkError
from headshrink.importance.scores import Scores
from headshrink.model import SentenceEncoder
from headshrink.model.sites import Kind, Site, sites
from headshrink.pruning.plan import Plan
from headshrink.pruning.price import BlockCost, Body, Price, body_of

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
    thinned: np.ndarray = best[last_of_bucket]
    return thinned


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
    price: Price,
    bodies: Sequence[Body] = (),
    multiples: dict[Kind, int] | None = None,
) -> tuple[Plan, Body]:
    """The plan and the body of least estimated loss that cost at most `share` of the encoder as it is.

    `bodies` are those that may be chosen, beside the encoder's own. `multiples` rounds widths to what the hardware
    likes; default 1 head and 8 neurons. Raises HeadshrinkError, with the smallest share there is, for one that
    nothing reaches.
    """
    multiples = multiples or {"heads": 1, "ffn": 8}
    blocks, own = sites(encoder.backbone), body_of(encoder)
    whole = price.fixed(own) + sum(price.block(own)(site.kind, site.units) for site in blocks)
    best: tuple[float, Body, list[Option]] | None = None
    smallest = whole
    for body in _undominated([own, *bodies], price):
        groups = [
            options(getattr(scores, site.kind)[site.layer], site, price.block(body), multiples[site.kind])
            for site in blocks
        ]
        least = price.fixed(body) + sum(min(option.cost for option in group) for group in groups)
        smallest = min(smallest, least)
        if least <= share * whole:
            chosen = solve(groups, share * whole - price.fixed(body))
            loss = body.loss + sum(option.loss for option in chosen)
            if best is None or loss < best[0]:
                best = loss, body, chosen
    if best is None:
        raise HeadshrinkError(
            f"a budget of {share:.1%} cannot be reached by what may be cut: the smallest is {smallest / whole:.1%}; "
            "allow more kinds of cut (hidden width, vocabulary, embedding) or a larger budget"
        )
    return _plan(scores, blocks, best[2]), best[1]


def _undominated(bodies: Sequence[Body], price: Price) -> list[Body]:
    """Bodies without those that lose no less and cost no less than another of the same hidden width."""
    kept: list[Body] = []
    for body in sorted(bodies, key=lambda body: (body.hidden, price.fixed(body), body.loss)):
        if not any(other.hidden == body.hidden and other.loss <= body.loss for other in kept):
            kept.append(body)
    return kept


def _plan(scores: Scores, blocks: Sequence[Site], chosen: Sequence[Option]) -> Plan:
    """The best units of each block, as many as its option has."""
    plan = Plan(heads=[], ffn=[])
    for site, option in zip(blocks, chosen, strict=True):
        row = getattr(scores, site.kind)[site.layer][: site.units]
        best = torch.argsort(row, descending=True, stable=True)[: option.units]
        getattr(plan, site.kind).append(sorted(best.tolist()))
    return plan
