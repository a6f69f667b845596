"""The student's two sides of a pair to each other: the loss of the 2024 work."""

from torch import Tensor
from torch.nn.functional import cosine_similarity

from headshrink.distillation.losses._base import Need, Outputs, needs


@needs(Need.EMBEDDINGS, Need.TRANSLATIONS)
def similarity(student: Outputs, teacher: Outputs) -> Tensor:
    """Mean of 1 - cos(student(en), student(ru)); the teacher has no part in it.

    Alone it is at its minimum when all sentences have one embedding; give it an imitation loss beside it, and a small
    weight: a teacher's two sides are not equal (cosine 0.88 for minilm-en-ru), and where this loss weighs as much as
    `cosine` the best student possible stands at 0.98 to such a teacher, at a tenth of it at 0.998.
    """
    return 1 - cosine_similarity(student.en, student.ru).mean()
