"""What a loss compares: the outputs of student and teacher on one batch of pairs."""

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True)
class Outputs:
    """One model's embeddings of a batch of pairs, [pairs, dimension]; row i of `en` and `ru` translate each other."""

    en: Tensor
    ru: Tensor

    @classmethod
    def from_block(cls, embeddings: Tensor) -> "Outputs":
        """From [2 * pairs, dimension], English above Russian, as `headshrink.distill.pairs.Batch` stacks them."""
        return cls(*embeddings.chunk(2))


Loss = Callable[[Outputs, Outputs], Tensor]  # (student, teacher) -> a scalar, the mean over the pairs
