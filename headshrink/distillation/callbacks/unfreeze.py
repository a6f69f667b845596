"""Gradual unfreezing (Howard and Ruder 2018, section 3.3): layers open to training one after another, from the top."""

import math
import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

from headshrink.distillation.callbacks._base import Callback

if TYPE_CHECKING:
    from headshrink.distillation.trainer import Trainer


class Unfreeze(Callback):
    """Open the student's layers to training one after another, the lowest after `share` of the steps.

    A function of names and steps alone: a resumed training needs no state of it.
    """

    def __init__(self, share: float) -> None:
        self.share = share
        self.opening_steps: dict[str, int] = {}

    def start(self, trainer: "Trainer") -> None:
        self.opening_steps = opening_steps(trainer.parameters, self.share, trainer.steps.count)

    def before_step(self, trainer: "Trainer") -> None:
        for name, opens in self.opening_steps.items():
            trainer.parameters[name].requires_grad_(opens <= trainer.progress.step)


def opening_steps(names: Iterable[str], share: float, steps: int) -> dict[str, int]:
    """The step from which each of a student's parameters trains.

    The last layer and everything above it train from the first step. Each layer below opens later by an equal number of
    steps; the embeddings open last, after `share` of the steps. Layers that share their weights count as one.
    """
    names = list(names)
    layers = sorted({layer for name in names if (layer := _layer(name)) is not None}, reverse=True)
    depths = {name: _depth(name, layers) for name in names}
    deepest = max(depths.values())
    return {name: math.ceil(share * steps * depth / deepest) if depth else 0 for name, depth in depths.items()}


def _layer(name: str) -> int | None:
    found = re.search(r"backbone\.encoder\.(?:layer|lstms)\.(\d+)\.", name)
    return int(found[1]) if found else None


def _depth(name: str, layers: list[int]) -> int:
    """Layers between a parameter and the top; one without layers above it counts as the top's."""
    if name.startswith("backbone.embeddings."):
        return len(layers)
    layer = _layer(name)
    return 0 if layer is None else layers.index(layer)
