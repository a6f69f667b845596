"""Masked-language-model cross-entropy (Devlin et al. 2019), one of DistilBERT's three losses (Sanh et al. 2019)."""

from torch import Tensor
from torch.nn.functional import cross_entropy

from headshrink.distill.losses._base import Outputs
from headshrink.distill.losses._words import guesses_of, mean_over_pieces


def mlm(student: Outputs, teacher: Outputs) -> Tensor:
    """Mean over the guessed pieces of -log of the probability that the student gives to the one that stood there.

    The teacher has no part in it but its head and word table, through which the student guesses.
    """
    ours = guesses_of(student)
    return mean_over_pieces(cross_entropy(ours.logits, ours.pieces, reduction="none"))
