"""Train gates on heads and FFN neurons together with the student (see headshrink/distillation/gates.py)."""

from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

from torch import Tensor, nn

from headshrink.distillation.callbacks._base import Callback
from headshrink.distillation.gates import Gates

if TYPE_CHECKING:
    from headshrink.distillation.trainer import Trainer


class LearnedGates(Callback):
    """The student under its gates, whose budget is a penalty beside the losses.

    At the start all gates are open and the held-out loss is the teacher's own; it rises while they close.
    """

    keeps_last = True

    def __init__(self, gates: Gates) -> None:
        self.gates = gates

    def parameters(self) -> dict[str, nn.Parameter]:
        return {f"gates.{name}": parameter for name, parameter in self.gates.named_parameters()}

    def around_training(self, trainer: "Trainer") -> AbstractContextManager[None]:
        return self.gates.on()

    def penalties(self, progress: float) -> list[Tensor]:
        return [self.gates.penalty(progress)]
