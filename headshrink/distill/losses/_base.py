"""What a loss compares: the outputs of student and teacher on one batch of pairs."""

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor

from headshrink.distill.layers import Layers


@dataclass(frozen=True)
class Guesses:
    """What a model expects in some places of its text: `logits` [guessed, vocabulary] over the teacher's pieces, and
    the `pieces` [guessed] that stood there."""

    logits: Tensor
    pieces: Tensor


@dataclass(frozen=True)
class Outputs:
    """One model's embeddings of a batch of pairs, [pairs, dimension]; row i of `en` and `ru` translate each other.

    `queue` are the teacher's embeddings of earlier batches, for losses that want more negatives; `layers` what the
    model computed inside, for losses on layers: its rows are the English sentences, then the Russian ones, and student
    and teacher are aligned; `guesses` what it expects behind [MASK] in the batch's text, for losses on words. Each is
    None where the recipe has no use for it. `others` are further teachers' outputs.
    """

    en: Tensor
    ru: Tensor
    queue: "Outputs | None" = None
    layers: Layers | None = None
    others: "tuple[Outputs, ...]" = ()
    guesses: Guesses | None = None

    @classmethod
    def from_block(cls, embeddings: Tensor, layers: Layers | None = None, guesses: Guesses | None = None) -> "Outputs":
        """From [2 * pairs, dimension], English above Russian, as `headshrink.distill.pairs.Batch` stacks them."""
        en, ru = embeddings.chunk(2)
        return cls(en, ru, layers=layers, guesses=guesses)


Loss = Callable[[Outputs, Outputs], Tensor]  # (student, teacher) -> a scalar, the mean over the pairs
