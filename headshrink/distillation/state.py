"""Where a training stands, in memory and in its checkpoint."""

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from torch import Tensor

from headshrink.distillation.result import CurveRow

if TYPE_CHECKING:
    from headshrink.distillation.callbacks import State
    from headshrink.distillation.trainer import Trainer


@dataclass
class TrainingProgress:
    """Where a training stands beside weights, optimiser and the callbacks' states."""

    step: int = 0
    losses_since_row: list[float] = field(default_factory=list)
    curve: list[CurveRow] = field(default_factory=list)
    before: dict[str, float] = field(default_factory=dict)
    best: dict[str, float] = field(default_factory=dict)
    best_step: int = 0


@dataclass(frozen=True)
class TrainingState:
    """What a checkpoint holds; batches and random numbers follow from the step. `progress`: a TrainingProgress."""

    weights: dict[str, Tensor]
    best_weights: dict[str, Tensor]
    callbacks: "dict[str, State]"
    optimiser: dict[str, object]
    scaler: dict[str, object]
    progress: dict[str, Any]

    @classmethod
    def of(cls, trainer: "Trainer") -> "TrainingState":
        return cls(
            weights={name: p.detach() for name, p in trainer.parameters.items()},
            best_weights=trainer.best_weights,
            callbacks={type(callback).__name__: callback.state() for callback in trainer.callbacks},
            optimiser=trainer.optimiser.state_dict(),
            scaler=trainer.scaler.state_dict(),
            progress=asdict(trainer.progress),
        )

    def resume(self, trainer: "Trainer") -> None:
        """Put a new trainer where this one stood."""
        trainer.progress = TrainingProgress(**self.progress)
        trainer.load_weights(self.weights)
        trainer.best_weights = self.best_weights
        for callback in trainer.callbacks:
            callback.load_state(self.callbacks.get(type(callback).__name__, {}))
        trainer.optimiser.load_state_dict(self.optimiser)
        if self.scaler:  # empty where the precision needs none
            trainer.scaler.load_state_dict(self.scaler)
