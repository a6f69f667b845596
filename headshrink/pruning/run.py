"""An encoder cut as the parameters of section `prune` say: what the front door and the stage call."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from headshrink.errors import HeadshrinkError
from headshrink.importance import Scores
from headshrink.model import PairBatch, SentenceEncoder
from headshrink.parameters.importance import ImportanceParams
from headshrink.parameters.prune import COSTS, LibraryPruneParams, PruneParams
from headshrink.pruning.cut_settings import CutSettings, prune
from headshrink.pruning.record import describe
from headshrink.pruning.within import Budget, prune_within
from headshrink.trimming.run import most_frequent

PAIRS_PER_BATCH = 32  # of the text for the repair


@dataclass(frozen=True)
class Pruned:
    """A cut encoder, and the content of its prune.json."""

    encoder: SentenceEncoder
    record: dict[str, Any]


def prune_by(
    teacher: SentenceEncoder,
    scores: Scores,
    text: Sequence[PairBatch],
    how: tuple[PruneParams, ImportanceParams],
    count: Callable[[], Tensor],
) -> Pruned:
    """Cut the units of lowest `scores`, to ratios or to a budget, and repair on `text`; the teacher stays as it is.

    The parameters of section `importance` say how the units were scored, and are scored again before later steps.
    `count` gives [vocabulary], how often each token occurs: it is called where it decides something, since it may be
    a pass over all of the text. Raises HeadshrinkError for a budget by scores that are no costs, and for ratios or a
    budget that cannot be reached.
    """
    chosen, importance = how
    settings = cut_settings_of(chosen, importance)
    used = {name: getattr(settings, name) for name in ("heads", "ffn", "criterion", "loss")}
    if budget := budget_of(chosen, importance):
        pruned, plan, _ = prune_within(teacher, budget, scores, text, count())
    else:
        vocabulary = chosen.vocabulary if isinstance(chosen, LibraryPruneParams) else 0
        counts = count() if settings.embedding or vocabulary else None
        pruned, plan = prune(teacher, settings, scores, text, counts)
        if counts is not None and vocabulary:  # last: a cut of it is exact on text whose tokens stay
            size = round((1 - vocabulary) * len(teacher.tokenizer))
            pruned = most_frequent(pruned, counts, size)
    return Pruned(pruned, describe(teacher, pruned, plan, **chosen.model_dump() | used))


def cut_settings_of(chosen: PruneParams, importance: ImportanceParams) -> CutSettings:
    """The parameters as pruning takes them: `ratio` where there is no share of heads or neurons alone."""
    return CutSettings(
        heads=chosen.ratio if chosen.heads is None else chosen.heads,
        ffn=chosen.ratio if chosen.ffn is None else chosen.ffn,
        criterion=importance.criterion,
        loss=importance.loss,
        **chosen.model_dump(
            include={"layers", "hidden", "embedding", "ranking", "min_units_per_layer", "steps", "repair", "ridge"}
        ),
    )


def budget_of(chosen: PruneParams, importance: ImportanceParams) -> Budget | None:
    """The budget, if there is one; HeadshrinkError where the scores are no costs, which a budget adds up."""
    if not chosen.budget:
        return None
    if importance.criterion not in COSTS or importance.loss != "teacher_distance":
        raise HeadshrinkError(
            f"budget = {chosen.budget}: scores that are costs are needed, criterion {' or '.join(COSTS)} with loss "
            f"teacher_distance, not {importance.criterion} with {importance.loss}"
        )
    settings = chosen.model_dump(include={"repair", "ridge"})
    return Budget(chosen.budget, chosen.budget_share, tuple(chosen.budget_cuts), **settings)
