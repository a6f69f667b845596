"""Exponential moving average of the weights: it is evaluated and kept in place of the weights themselves."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from headshrink.distillation.callbacks._base import Callback, State

if TYPE_CHECKING:
    from headshrink.distillation.trainer import Trainer


class Ema(Callback):
    """Average with a decay per step of `decay`, e.g. 0.999.

    Early steps use the smaller decay (1 + step) / (10 + step), so that the average forgets the untrained weights soon.
    """

    def __init__(self, decay: float) -> None:
        self.decay = decay
        self.average: dict[str, Tensor] = {}

    def start(self, trainer: "Trainer") -> None:
        self.average = {name: p.detach().clone() for name, p in trainer.parameters.items()}

    def after_step(self, trainer: "Trainer") -> None:
        step = trainer.progress.step
        decay = min(self.decay, (1 + step) / (10 + step))
        with torch.no_grad():
            for name, parameter in trainer.parameters.items():
                self.average[name].lerp_(parameter, 1 - decay)

    @contextmanager
    def around_evaluation(self, trainer: "Trainer") -> Iterator[None]:
        """The average in place of the weights."""
        now = {name: p.detach().clone() for name, p in trainer.parameters.items()}
        trainer.load_weights(self.average)
        try:
            yield
        finally:
            trainer.load_weights(now)

    def state(self) -> State:
        return self.average

    def load_state(self, state: State) -> None:
        for name, value in state.items():
            self.average[name].copy_(torch.as_tensor(value))
