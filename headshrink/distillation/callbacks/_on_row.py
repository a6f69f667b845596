"""Hand each row of the training curve to a function, e.g. a live display."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from headshrink.distillation.callbacks._base import Callback

if TYPE_CHECKING:
    from headshrink.distillation.result import CurveRow


class OnRow(Callback):
    """Call `receive` with each row; after a resumption it receives the earlier rows again."""

    def __init__(self, receive: "Callable[[CurveRow], None]") -> None:
        self.receive = receive

    def on_row(self, row: "CurveRow") -> None:
        self.receive(row)
