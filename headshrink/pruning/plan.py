"""Decide what goes: which heads and FFN neurons each layer keeps."""

from dataclasses import dataclass

import torch
from torch import Tensor

from headshrink.errors import HeadshrinkError
from headshrink.importance.scores import Scores
from headshrink.parameters.prune import DEFAULTS, Ranking


@dataclass(frozen=True)
class Plan:
    """The units each layer keeps, as ascending indices into the uncut layer, and what stays of the rest (None: all).

    A layer that is not among `layers` keeps nothing, and is gone altogether; `hidden` are dimensions.
    """

    heads: list[list[int]]
    ffn: list[list[int]]
    hidden: list[int] | None = None
    layers: list[int] | None = None


def plan_ratio(
    scores: Scores,
    heads: float,
    ffn: float,
    ranking: Ranking = DEFAULTS.ranking,
    min_units_per_layer: int = DEFAULTS.min_units_per_layer,
) -> Plan:
    """Cut the shares `heads` and `ffn` (in [0, 1)) of the units, lowest scores first.

    `ranking` compares units over the whole model or within each layer; `min_units_per_layer` units of each kind stay in
    every layer whatever their scores. Raises HeadshrinkError where a ratio leaves fewer than that.
    """
    return Plan(
        heads=keep(scores.heads, heads, ranking, min_units_per_layer, "heads"),
        ffn=keep(scores.ffn, ffn, ranking, min_units_per_layer, "ffn"),
    )


def keep(scores: Tensor, ratio: float, ranking: Ranking, min_units_per_layer: int, kind: str) -> list[list[int]]:
    """Indices to keep in each layer of scores [layers, units]; NaN marks units that are already gone.

    Equal scores are kept by position, so that the result never depends on the sort.
    """
    there = ~scores.isnan()
    scores = scores.nan_to_num(nan=-torch.inf)
    if ranking == "layer":
        counts = [round((1 - ratio) * int(row.sum())) for row in there]
        chosen = [_best(row, count) for row, count in zip(scores, counts, strict=True)]
    else:
        chosen = _best_overall(scores, round((1 - ratio) * int(there.sum())), min_units_per_layer)
    for layer, units in enumerate(chosen):
        if len(units) < min_units_per_layer:
            raise HeadshrinkError(
                f"ratio {ratio} leaves {len(units)} {kind} in layer {layer}: at least {min_units_per_layer} must stay, "
                "cut less"
            )
    return chosen


def _best(row: Tensor, count: int) -> list[int]:
    return sorted(torch.argsort(row, descending=True, stable=True)[:count].tolist())


def _best_overall(scores: Tensor, count: int, min_units_per_layer: int) -> list[list[int]]:
    """The `count` best of all layers, each layer's `min_units_per_layer` best among them where `count` allows it."""
    order = torch.argsort(scores, dim=1, descending=True, stable=True)
    preferred = scores.clone()
    preferred.scatter_(1, order[:, :min_units_per_layer], torch.inf)
    best = torch.argsort(preferred.flatten(), descending=True, stable=True)[:count]
    layers, units = best // scores.shape[1], best % scores.shape[1]
    return [sorted(units[layers == layer].tolist()) for layer in range(len(scores))]
