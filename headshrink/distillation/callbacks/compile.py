"""torch.compile of the student's backbone while it trains."""

from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

from headshrink.distillation.callbacks._base import Callback
from headshrink.distillation.losses import LOSSES, Need
from headshrink.errors import HeadshrinkError
from headshrink.model.compiled import compiled

if TYPE_CHECKING:
    from headshrink.distillation.trainer import Trainer


class Compile(Callback):
    """Compile the student's passes: a minute at the start, faster steps after it.

    Losses on layers record the student's layers by hooks, which compiled code does not call: they are refused.
    """

    def __init__(self, on: float) -> None:
        self.on = on

    def start(self, trainer: "Trainer") -> None:
        if names := [name for name in trainer.recipe.losses if Need.LAYERS in LOSSES[name].needs]:
            raise HeadshrinkError(f"compile = true: loss {names[0]} needs the student's layers, which are not recorded")

    def around_training(self, trainer: "Trainer") -> AbstractContextManager[None]:
        return compiled(trainer.student)
