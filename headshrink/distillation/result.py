"""Where a training stands, and what it gives."""

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from torch import Tensor

from headshrink.distillation.evaluate import Scores

if TYPE_CHECKING:
    from headshrink.distillation.callbacks import State

Row = dict[str, float]  # of the training curve


@dataclass
class Progress:
    """Where a training stands beside weights, optimiser and the callbacks' states."""

    step: int = 0
    losses_since_row: list[float] = field(default_factory=list)
    curve: list[Row] = field(default_factory=list)
    before: dict[str, float] = field(default_factory=dict)
    best: dict[str, float] = field(default_factory=dict)
    best_step: int = 0


@dataclass(frozen=True)
class TrainingState:
    """What a checkpoint holds; batches and random numbers follow from the step. `progress` are `Progress`'s fields."""

    weights: dict[str, Tensor]
    best_weights: dict[str, Tensor]
    callbacks: "dict[str, State]"
    optimiser: dict[str, object]
    scaler: dict[str, object]
    progress: Progress

    def stored(self) -> dict[str, object]:
        """As a checkpoint holds it: tensors, numbers, strings, lists and dicts."""
        return {**vars(self), "progress": asdict(self.progress)}

    @classmethod
    def from_stored(cls, state: dict[str, Any]) -> "TrainingState":
        """From a checkpoint, whose file has no types."""
        return cls(**{**state, "progress": Progress(**state["progress"])})


@dataclass(frozen=True)
class Result:
    """Held-out scores before training and of the step kept, the number of steps made, and the curve.

    `before` and `best` are on the sample of `heldout_pairs`; `all_pairs` is the step kept on all held-out pairs, None
    where the sample is all of them.
    """

    before: Scores
    best: Scores
    all_pairs: Scores | None
    best_step: int
    steps: int
    curve: list[Row]
    precision: str
    padding_waste: float
    sentences_per_s: float  # of this process, evaluation apart; the one figure that is not reproducible
