"""Each side of the student to the teacher's embedding of the other side (Reimers & Gurevych 2020)."""

from torch import Tensor

from headshrink.distillation.losses._base import Need, Outputs, needs
from headshrink.distillation.losses.mse import mse


@needs(Need.EMBEDDINGS, Need.TRANSLATIONS)
def crosslingual(student: Outputs, teacher: Outputs) -> Tensor:
    """Mean of |student(ru) - teacher(en)|^2 and |student(en) - teacher(ru)|^2.

    Equation 1 of the paper has the teacher's English side as the only target, since its teacher knows no other
    language; a bilingual teacher is a target on both sides. Squared distances are summed over dimensions, as in `mse`.
    """
    return mse(student, Outputs(en=teacher.ru, ru=teacher.en))
