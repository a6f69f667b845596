"""Imitation of the teacher's embedding by squared distance, each side to its own."""

from torch import Tensor

from headshrink.distillation.losses._base import Need, Outputs, needs


@needs(Need.EMBEDDINGS)
def mse(student: Outputs, teacher: Outputs) -> Tensor:
    """Mean over the sentences of |student - teacher|^2, summed over dimensions (not averaged: a wider embedding would
    otherwise weigh less). Use it where the teacher does not normalise and the length of its vectors carries meaning.
    """
    en, ru = ((ours - theirs).pow(2).sum(-1) for ours, theirs in ((student.en, teacher.en), (student.ru, teacher.ru)))
    return (en.mean() + ru.mean()) / 2
