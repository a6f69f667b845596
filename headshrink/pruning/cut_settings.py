"""From an encoder to a smaller one: score, cut and repair, in one step or in many small ones."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import torch
from torch import Tensor

from headshrink.errors import HeadshrinkError
from headshrink.importance import Scores, score
from headshrink.model import PairBatch, SentenceEncoder
from headshrink.model.sites import KINDS, Kind, widths
from headshrink.parameters import importance
from headshrink.parameters.prune import DEFAULTS, Method, Ranking
from headshrink.pruning.cut import cut
from headshrink.pruning.embedding import factorise
from headshrink.pruning.layers import choose_layers, keep_layers
from headshrink.pruning.plan import Plan, plan_ratio
from headshrink.pruning.repair import repair
from headshrink.pruning.width import cut_width, dimension_order

SAMPLE = 4  # batches that layers and dimensions are chosen on
EVEN = 8  # widths are multiples of it: what processors like


@dataclass(frozen=True)
class CutSettings:
    """How to prune: the shares of everything that go, and how they are chosen and made up for.

    `layers` go first, and the shares of `heads` and `ffn` are of those that stay; `hidden` dimensions, and the
    `embedding` table's width as a product of two, go with the last step, to the nearest multiple of EVEN.
    `criterion` and `loss` score the units that are left before every step but the first, whose scores are given;
    `steps` cuts of equal shares of what is left lead to the ratios. `recover`, where given, may train the cut model a
    little after each step.
    """

    heads: float = DEFAULTS.ratio
    ffn: float = DEFAULTS.ratio
    ranking: Ranking = DEFAULTS.ranking
    min_units_per_layer: int = DEFAULTS.min_units_per_layer
    layers: float = DEFAULTS.layers
    hidden: float = DEFAULTS.hidden
    embedding: float = DEFAULTS.embedding
    criterion: str = importance.DEFAULTS.criterion
    loss: str = importance.DEFAULTS.loss
    steps: int = DEFAULTS.steps
    repair: Method | Literal["none"] = DEFAULTS.repair
    ridge: float = DEFAULTS.ridge
    recover: Callable[[SentenceEncoder], None] | None = None


def prune(
    teacher: SentenceEncoder,
    settings: CutSettings,
    scores: Scores,
    batches: Sequence[PairBatch],
    counts: Tensor | None = None,
) -> tuple[SentenceEncoder, Plan]:
    """The cut encoder and what it kept of the teacher's units.

    `batches` is the text for repair, for scores after the first step and for the choice of layers and dimensions;
    without any of them it may be empty. `counts` [vocabulary], how often each token occurs, are what the table's
    product is made by (None: all alike). Raises HeadshrinkError for shares that leave nothing.
    """
    layers = _layers_to_keep(teacher, settings.layers, batches)
    short = keep_layers(teacher, layers) if settings.layers else teacher
    scores = Scores(scores.heads[layers], scores.ffn[layers])
    pruned, kept = short, Plan(heads=_all_units(short, "heads"), ffn=_all_units(short, "ffn"))
    for step in range(1, settings.steps + 1):
        if step > 1:
            scores = score(pruned, batches, [settings.criterion], settings.loss)[settings.criterion]
        part = step / settings.steps
        heads, ffn = (_share_to_cut(short, pruned, kind, getattr(settings, kind), part) for kind in KINDS)
        chosen = plan_ratio(scores, heads, ffn, settings.ranking, settings.min_units_per_layer)
        pruned, kept = cut(pruned, chosen), _compose(kept, chosen)
        if step == settings.steps and settings.hidden:
            left = _less(teacher.backbone.config.hidden_size, settings.hidden)
            dimensions = sorted(dimension_order(teacher, batches[:SAMPLE])[:left])
            pruned, kept = cut_width(pruned, dimensions), replace(kept, hidden=dimensions)
        if step == settings.steps and settings.embedding:
            config = pruned.backbone.config
            alike = torch.ones(config.vocab_size) if counts is None else counts
            pruned = factorise(pruned, _less(config.hidden_size, settings.embedding), alike)
        plan = _of_whole(kept, layers, len(teacher.backbone.encoder.layer))
        if settings.repair != "none":
            repair(teacher, pruned, plan, batches, settings.repair, settings.ridge)
        if settings.recover:
            settings.recover(pruned)
    return pruned, plan


def _layers_to_keep(teacher: SentenceEncoder, share: float, batches: Sequence[PairBatch]) -> list[int]:
    there = len(teacher.backbone.encoder.layer)
    count = round((1 - share) * there)
    if count < 1:
        raise HeadshrinkError(
            f"layers = {share}: of {there} layers none would stay, at most {1 - 1 / there:.2f} can go"
        )
    return choose_layers(teacher, count, list(batches[:SAMPLE])) if share else list(range(there))


def _less(width: int, share: float) -> int:
    """What is left of a width without a share of it, a multiple of EVEN."""
    return EVEN * max(1, round((1 - share) * width / EVEN))


def _of_whole(kept: Plan, layers: list[int], there: int) -> Plan:
    """The plan of the layers that stay as a plan of all there are."""
    if len(layers) == there:
        return kept
    heads, ffn = (
        [units[layers.index(i)] if i in layers else [] for i in range(there)] for units in (kept.heads, kept.ffn)
    )
    return Plan(heads, ffn, kept.hidden, layers)


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
