"""Translation ranking among the batch's sentences, with an additive margin (Yang et al. 2019)."""

from torch import Tensor
from torch.nn.functional import normalize

from headshrink.distill.losses._base import Outputs
from headshrink.model.objectives import translation_ranking

MARGIN = 0.3  # section 4 of the paper


def ranking(student: Outputs, teacher: Outputs) -> Tensor:
    """Cross-entropy of finding a sentence's translation among the batch's, both ways; the teacher has no part in it.

    The margin (0.3, the paper's best) is taken off the true pair's cosine, so that a translation has to win clearly.
    """
    return translation_ranking(normalize(student.en, dim=-1), normalize(student.ru, dim=-1), margin=MARGIN)
