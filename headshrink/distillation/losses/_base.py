"""What a loss compares, and how it states what it needs."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto

import torch
from torch import Tensor

from headshrink.distillation.layers import Layers


class Need(Enum):
    """What a loss reads of the two models; the objective computes what the recipe's losses need and nothing else."""

    EMBEDDINGS = auto()  # of the batch's sentences; the teacher's are stored
    TRANSLATIONS = auto()  # rows whose two sentences translate each other
    WHOLE_BATCH = auto()  # all sentences of the batch, which it compares with each other: no mean over pairs
    QUEUE = auto()  # the teacher's embeddings of earlier pairs, where the recipe has a queue
    LAYERS = auto()  # hidden states and attention heads of both models; the teacher runs beside the student
    MASKED_LOGITS = auto()  # the student's logits at masked tokens, by the teacher's MLM head
    TEACHER_MASKED_LOGITS = auto()  # the teacher's as well


@dataclass(frozen=True)
class MaskedLogits:
    """A model's logits [masked, vocabulary] at the masked tokens of a batch, and the `tokens` [masked] masked there.

    The vocabulary is the teacher's.
    """

    logits: Tensor
    tokens: Tensor


@dataclass(frozen=True)
class Outputs:
    """One model's embeddings of a batch of pairs, [pairs, dimension]; row i of `en` and `ru` translate each other.

    The other fields are None unless a loss of the recipe needs them. `queue`: the teacher's embeddings of earlier
    pairs. `layers`: what the model computed inside, English rows first; student and teacher are aligned.
    `masked_logits`: its logits at masked tokens. `others`: the outputs of further teachers.
    """

    en: Tensor
    ru: Tensor
    queue: "Outputs | None" = None
    layers: Layers | None = None
    others: "tuple[Outputs, ...]" = ()
    masked_logits: MaskedLogits | None = None

    @property
    def block(self) -> Tensor:
        """The embeddings [2 * pairs, dimension], English above Russian."""
        return torch.cat([self.en, self.ru])

    @classmethod
    def from_block(
        cls, embeddings: Tensor, layers: Layers | None = None, masked_logits: MaskedLogits | None = None
    ) -> "Outputs":
        """From [2 * pairs, dimension], English above Russian, as `headshrink.data.table.Batch` stacks them."""
        en, ru = embeddings.chunk(2)
        return cls(en, ru, layers=layers, masked_logits=masked_logits)


Compute = Callable[[Outputs, Outputs], Tensor]


@dataclass(frozen=True)
class Loss:
    """(student, teacher) -> a scalar, the mean over the pairs; `needs` states which outputs it reads."""

    compute: Compute
    needs: frozenset[Need]

    def __call__(self, student: Outputs, teacher: Outputs) -> Tensor:
        return self.compute(student, teacher)


def needs(*wanted: Need) -> Callable[[Compute], Loss]:
    """Declare what a loss function reads: `@needs(Need.EMBEDDINGS)` above it."""
    return lambda compute: Loss(compute, frozenset(wanted))
