"""The processes that share one training: one here, or as many as `accelerate launch` started, a GPU each."""

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from importlib.util import find_spec
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import nn

from headshrink.model.device import best_device
from headshrink.parameters.compute import Device

if TYPE_CHECKING:
    from accelerate import PartialState


class Processes:
    """What accelerate says of the processes of this launch, and the sum of their gradients.

    `count` of them, this one being number `index`, on `device`. Where accelerate is not installed, one. The first
    instance of a program decides whether a GPU is forbidden.
    """

    def __init__(self, device: Device = "auto") -> None:
        self.count, self.index = 1, 0
        self.device = best_device(device)
        self.state: PartialState | None = None
        if find_spec("accelerate"):
            import accelerate

            self.state = accelerate.PartialState(cpu=self.device.type == "cpu")
            self.count, self.index = self.state.num_processes, self.state.process_index
            self.device = self.state.device

    @property
    def first(self) -> bool:
        """Whether this is the one that writes and reports."""
        return self.index == 0

    def first_before_others(self) -> AbstractContextManager[None]:
        """A block that the first process goes through alone, and the others after it."""
        return self.state.main_process_first() if self.state and self.count > 1 else nullcontext()

    def add_up(self, parameters: Sequence[nn.Parameter], loss: float) -> float:
        """Give every parameter the sum of all processes' gradients; the sum of their losses.

        One block goes over the wire: losses, which gradients there are, and the gradients. A parameter without one in
        any process still has none, so that the optimiser leaves it alone as it does in a single process.
        """
        if self.count == 1:
            return loss
        from accelerate.utils import reduce

        there = torch.tensor([loss, *(p.grad is not None for p in parameters)], device=parameters[0].device)
        gradients = [p.grad.flatten() if p.grad is not None else torch.zeros_like(p).flatten() for p in parameters]
        head, *sums = reduce(torch.cat([there, *gradients]), "sum").split([len(there), *map(len, gradients)])
        for parameter, some, total in zip(parameters, head[1:], sums, strict=True):
            parameter.grad = total.view_as(parameter) if some else None
        return float(head[0])

    def told_by_first(self, values: dict[str, float]) -> dict[str, float]:
        """The first process's values, in all of them: what decides must not differ by a rounding."""
        if self.count == 1:
            return values
        from accelerate.utils import broadcast

        told = broadcast(torch.tensor(list(values.values()), dtype=torch.float64, device=self.device))
        return dict(zip(values, told.tolist(), strict=True))


def seed_of_batch(seed: int, step: int, place: int, part: int = 0) -> int:
    """What is random in one batch of a step: the same in any number of processes, and after a resumption.

    `part` counts the parts of a batch that is too large for one pass.
    """
    return int(np.random.SeedSequence((seed, step, place, part)).generate_state(1, np.uint64)[0])
