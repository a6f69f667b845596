"""From an encoder to a smaller one: score, cut and repair, in one step or in many small ones."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from headshrink.importance import PairBatch, Scores, score
from headshrink.model import SentenceEncoder
from headshrink.model.sites import KINDS, Kind, widths
from headshrink.prune.cut import cut
from headshrink.prune.plan import Plan, Ranking, plan_ratio
from headshrink.prune.repair import Method, repair


@dataclass(frozen=True)
class Recipe:
    """How to prune: the shares of heads and FFN neurons that go, and how they are chosen and made up for.

    `criterion` and `loss` score the units that are left before every step but the first, whose scores are given;
    `steps` cuts of equal shares of what is left lead to the ratios. `recover`, where given, may train the cut model a
    little after each step.
    """

    heads: float = 0.5
    ffn: float = 0.5
    ranking: Ranking = "global"
    least: int = 0
    criterion: str = "obs"
    loss: str = "teacher_distance"
    steps: int = 1
    repair: Method | Literal["none"] = "full"
    ridge: float = 100.0
    recover: Callable[[SentenceEncoder], None] | None = None


def prune(
    teacher: SentenceEncoder, recipe: Recipe, scores: Scores, batches: Sequence[PairBatch]
) -> tuple[SentenceEncoder, Plan]:
    """The cut encoder and what it kept of the teacher's units.

    `batches` is the text for repair and for scores after the first step; without either it may be empty.
    """
    pruned, plan = teacher, Plan(heads=_all_units(teacher, "heads"), ffn=_all_units(teacher, "ffn"))
    for step in range(1, recipe.steps + 1):
        if step > 1:
            scores = score(pruned, batches, [recipe.criterion], recipe.loss)[recipe.criterion]
        heads, ffn = (
            _share_to_cut(teacher, pruned, kind, getattr(recipe, kind), step / recipe.steps) for kind in KINDS
        )
        chosen = plan_ratio(scores, heads, ffn, recipe.ranking, recipe.least)
        pruned, plan = cut(pruned, chosen), _compose(plan, chosen)
        if recipe.repair != "none":
            repair(teacher, pruned, plan, batches, recipe.repair, recipe.ridge)
        if recipe.recover:
            recipe.recover(pruned)
    return pruned, plan


def _all_units(encoder: SentenceEncoder, kind: Kind) -> list[list[int]]:
    return [list(range(units)) for units in widths(encoder.backbone, kind)]


def _share_to_cut(whole: SentenceEncoder, now: SentenceEncoder, kind: Kind, ratio: float, progress: float) -> float:
    """Share of what is left to cut now, so that a geometric path from nothing to `ratio` is at `progress`."""
    total, left = sum(widths(whole.backbone, kind)), sum(widths(now.backbone, kind))
    return 1 - round(total * (1 - ratio) ** progress) / left if left else 0.0


def _compose(first: Plan, second: Plan) -> Plan:
    """The plan of a cut of a cut, in units of the uncut model."""

    def through(outer: list[list[int]], inner: list[list[int]]) -> list[list[int]]:
        return [[units[i] for i in kept] for units, kept in zip(outer, inner, strict=True)]

    return Plan(through(first.heads, second.heads), through(first.ffn, second.ffn))
