"""Imitation of the teacher's embedding by direction, each side to its own."""

from torch import Tensor
from torch.nn.functional import cosine_similarity

from headshrink.distillation.losses._base import Need, Outputs, needs


@needs(Need.EMBEDDINGS)
def cosine(student: Outputs, teacher: Outputs) -> Tensor:
    """Mean of 1 - cos(student, teacher) over the sentences of both languages.

    In [0, 2] whatever the dimension, so that its weight means the same for every teacher. For unit vectors it is half
    of `mse`, and unlike it blind to length.
    """
    en, ru = (cosine_similarity(ours, theirs) for ours, theirs in ((student.en, teacher.en), (student.ru, teacher.ru)))
    return 1 - (en.mean() + ru.mean()) / 2
