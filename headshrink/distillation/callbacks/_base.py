"""What a callback may do in a training. The methods stand in the order in which the trainer calls them."""

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING

from torch import Tensor, nn

if TYPE_CHECKING:
    from headshrink.distillation.result import CurveRow
    from headshrink.distillation.trainer import Trainer

State = Mapping[str, Tensor | float]


class Callback:
    """A part of a training that can be switched off.

    Subclasses override what they need. `keeps_last` is True where the held-out loss must rise for a while: then the
    last evaluation counts as the best, and a rise is no divergence.
    """

    keeps_last = False

    def parameters(self) -> dict[str, nn.Parameter]:
        """Parameters by name that train beside the student's; asked for once, before the optimiser is made."""
        return {}

    def start(self, trainer: "Trainer") -> None:
        """The trainer is complete; raise HeadshrinkError for settings that do not fit it."""

    def around_training(self, trainer: "Trainer") -> AbstractContextManager[None]:
        """A context around all steps and evaluations."""
        return nullcontext()

    def before_step(self, trainer: "Trainer") -> None:
        """Gradients are cleared; `trainer.progress.step` steps were made."""

    def student_ids(self, trainer: "Trainer", input_ids: Tensor) -> Tensor:
        """The token ids [rows, tokens] that the student reads in place of the batch's."""
        return input_ids

    def penalties(self, progress: float) -> list[Tensor]:
        """Scalars added to the losses, at a share of the training from 0 to 1."""
        return []

    def after_step(self, trainer: "Trainer") -> None:
        """The optimiser has moved the parameters."""

    def around_evaluation(self, trainer: "Trainer") -> AbstractContextManager[None]:
        """A context around a held-out evaluation; the weights inside it are those that are kept."""
        return nullcontext()

    def after_evaluation(self, trainer: "Trainer", best: bool) -> None:
        """The held-out scores are known; `best`: no earlier evaluation was better."""

    def on_row(self, row: "CurveRow") -> None:
        """A row of the curve; after a resumption the earlier rows come again."""

    def finished(self) -> bool:
        """Whether the training should end before its last step."""
        return False

    def state(self) -> State:
        """What a checkpoint must hold beside parameters, optimiser and step; stored under the name of the class."""
        return {}

    def load_state(self, state: State) -> None:
        """Continue from such a state; empty where the callback had none."""
