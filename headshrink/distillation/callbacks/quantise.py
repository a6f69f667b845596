"""Quantisation-aware training: the student computes in the steps of int8, as its export will (Jacob et al. 2018).

Weights and what enters a linear layer are rounded on the way forward and pass their gradient as if they had not been:
the straight-through estimator (Bengio et al. 2013). Weights are kept and saved in fp32.
"""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn import functional

from headshrink.distillation.callbacks._base import Callback
from headshrink.model import SentenceEncoder

if TYPE_CHECKING:
    from headshrink.distillation.trainer import Trainer

WEIGHT_BOUND = 64  # export's reduced range; what bears it bears the full one
TABLE_BOUND = 127
ACTIVATION_STEPS = 255


class Quantise(Callback):
    """Round as the int8 export rounds, in training and in evaluations."""

    def __init__(self, on: float) -> None:
        self.on = on

    def around_training(self, trainer: "Trainer") -> AbstractContextManager[None]:
        return quantised(trainer.student)


@contextmanager
def quantised(student: SentenceEncoder) -> Iterator[None]:
    """The student's linear layers and word table rounded as target onnx_int8 does; afterwards as they were.

    One scale an output channel and a row of the table, symmetric; activations have one scale and offset a batch,
    which is wider than that of the single sentences it will see.
    """
    words = student.backbone.embeddings.word_embeddings
    tables = [module for module in words.modules() if isinstance(module, nn.Embedding)]
    linears = [module for module in student.modules() if isinstance(module, nn.Linear)]
    for linear in linears:
        vars(linear)["forward"] = partial(_linear, linear)
    for table in tables:
        vars(table)["forward"] = partial(_look_up, table)
    try:
        yield
    finally:
        for module in (*linears, *tables):
            del vars(module)["forward"]


def rounded_weights(weights: Tensor, bound: int) -> Tensor:
    """[rows, width] in steps of one `bound`th of each row's largest absolute value."""
    scale = weights.detach().abs().amax(-1, keepdim=True) / bound
    scale = torch.where(scale == 0, 1, scale)
    return _straight_through(weights, torch.round(weights.detach() / scale) * scale)


def rounded_activations(states: Tensor) -> Tensor:
    """States in 255 equal steps from the least to the greatest, zero being one of them (ONNX DynamicQuantizeLinear)."""
    exact = states.detach().float()
    low, high = exact.amin().clamp(max=0), exact.amax().clamp(min=0)
    scale = (high - low) / ACTIVATION_STEPS
    scale = torch.where(scale == 0, 1, scale)
    offset = torch.round(-low / scale)
    steps = (torch.round(exact / scale) + offset).clamp(0, ACTIVATION_STEPS)
    return _straight_through(states, ((steps - offset) * scale).to(states.dtype))


def _straight_through(exact: Tensor, rounded: Tensor) -> Tensor:
    return exact + (rounded - exact).detach()


def _linear(linear: nn.Linear, states: Tensor) -> Tensor:
    weight = rounded_weights(linear.weight, WEIGHT_BOUND)
    return functional.linear(rounded_activations(states), weight, linear.bias)


def _look_up(table: nn.Embedding, ids: Tensor) -> Tensor:
    return rounded_weights(functional.embedding(ids, table.weight, table.padding_idx), TABLE_BOUND)
