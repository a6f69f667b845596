"""What losses on guessed words share."""

from torch import Tensor

from headshrink.distill.losses._base import Guesses, Outputs


def guesses_of(outputs: Outputs) -> Guesses:
    """The guesses that a trainer asks for in every recipe with a loss on them."""
    assert outputs.guesses is not None, "a loss on guessed words was given none"
    return outputs.guesses


def mean_over_pieces(values: Tensor) -> Tensor:
    """Mean of values [guessed]; zero where a batch has no word to guess."""
    return values.sum() / max(1, len(values))
