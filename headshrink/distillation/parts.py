"""A training in several parts, the student cut between them, that takes as many steps as one in a single part."""

import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
from itertools import pairwise
from typing import Any

from torch import nn

from headshrink.checkpoint import Checkpoints
from headshrink.data.table import SentenceTable
from headshrink.distillation.callbacks import LearnedGates, OnRow
from headshrink.distillation.evaluate import HeldoutScores
from headshrink.distillation.gates import Gates
from headshrink.distillation.processes import Processes
from headshrink.distillation.recipe import Recipe
from headshrink.distillation.result import CurveRow, TrainingResult
from headshrink.distillation.steps import Steps
from headshrink.errors import HeadshrinkError
from headshrink.model import SentenceEncoder


def parts_of(recipe: Recipe, train: SentenceTable, ends: Sequence[float]) -> list[Recipe]:
    """A recipe for each part of a training; `ends` are the shares of the steps at which they end.

    Each part warms up and decays, and has an order of its own: parts of less than an epoch would else see the same
    pairs. Raises HeadshrinkError where a part would have no step.
    """
    whole = Steps(recipe, train)
    steps = whole.count
    marks = [0, *(round(steps * end) for end in ends)]
    lengths = [last - first for first, last in pairwise(marks)]
    if min(lengths) < 1:
        raise HeadshrinkError(f"{steps} steps are too few to be divided at {', '.join(f'{end:.3g}' for end in ends)}")
    evaluations = math.ceil(recipe.evaluations / len(ends))
    return [
        replace(recipe, epochs=(length - 0.5) / whole.per_epoch, evaluations=evaluations, seed=recipe.seed + i)
        for i, length in enumerate(lengths)
    ]


@dataclass
class Parts:
    """The parts one after another: `train` is `headshrink.distillation.trainer.train` with its data.

    With `checkpoints` each part has its own, and the result of a finished part is kept until all are done: a killed
    training repeats the cuts, which cost a pass over some text, and no step of a finished part.
    """

    recipes: Sequence[Recipe]
    train: Callable[..., TrainingResult]
    checkpoints: Checkpoints | None = None
    on_row: Callable[[CurveRow], None] = lambda row: None
    results: list[TrainingResult] = field(default_factory=list)

    def next(self, student: SentenceEncoder, gates: Gates | None = None) -> None:
        """Train a student, and gates on it, in place through the next part."""
        models: dict[str, nn.Module] = {"student": student} | ({"gates": gates} if gates else {})
        number, finished = len(self.results), self._checkpoints(f"part-{len(self.results)}-finished")
        state = finished.load() if finished else None
        if state:
            self._take_up(state, models)
            return
        callbacks = [*([LearnedGates(gates)] if gates else []), OnRow(self._row_sink())]
        checkpoints = self._checkpoints(f"part-{number}")
        recipe = self.recipes[number]
        self.results.append(self.train(student, recipe=recipe, checkpoints=checkpoints, callbacks=callbacks))
        if finished and Processes().first:
            end = {name: model.state_dict() for name, model in models.items()}
            finished.save(end | {"result": asdict(self.results[-1])})

    def _take_up(self, state: dict[str, Any], models: dict[str, nn.Module]) -> None:
        """The end of a part that an earlier process finished."""
        for name, model in models.items():
            model.load_state_dict(state[name])
        row_sink = self._row_sink()
        stored = state["result"]
        scores = {name: stored[name] and HeldoutScores(**stored[name]) for name in ("before", "best", "all_pairs")}
        self.results.append(TrainingResult(**{**stored, **scores}))
        for row in self.results[-1].curve:
            row_sink(row)

    def _row_sink(self) -> Callable[[CurveRow], None]:
        """Where the next part's rows go: its steps count on from those before."""
        offset = sum(result.steps for result in self.results)
        return lambda row: self.on_row(_later(row, offset))

    def _checkpoints(self, name: str) -> Checkpoints | None:
        return Checkpoints(self.checkpoints.path.parent / name) if self.checkpoints else None

    def result(self) -> TrainingResult:
        """The whole training: the last part's student, its scores before that part and after it, the joint curve."""
        last, steps = self.results[-1], sum(result.steps for result in self.results)
        offsets = [sum(result.steps for result in self.results[:i]) for i in range(len(self.results))]
        curve = [_later(row, o) for result, o in zip(self.results, offsets, strict=True) for row in result.curve]
        seconds = sum(result.steps / result.sentences_per_s for result in self.results)
        return replace(
            last, best_step=offsets[-1] + last.best_step, steps=steps, curve=curve, sentences_per_s=steps / seconds
        )


def _later(row: CurveRow, steps: int) -> CurveRow:
    return row | {"step": row["step"] + steps}
