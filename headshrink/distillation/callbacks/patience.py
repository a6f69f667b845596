"""Early stopping: end the training when the held-out loss no longer improves."""

from typing import TYPE_CHECKING

from headshrink.distillation.callbacks._base import Callback, State

if TYPE_CHECKING:
    from headshrink.distillation.trainer import Trainer


class Patience(Callback):
    """End after `evaluations` held-out evaluations in a row without a new best."""

    def __init__(self, evaluations: float) -> None:
        self.evaluations, self.since_best = evaluations, 0

    def after_evaluation(self, trainer: "Trainer", best: bool) -> None:
        self.since_best = 0 if best else self.since_best + 1

    def finished(self) -> bool:
        return self.since_best >= self.evaluations

    def state(self) -> State:
        return {"since_best": self.since_best}

    def load_state(self, state: State) -> None:
        self.since_best = int(state["since_best"])
