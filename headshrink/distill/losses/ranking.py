"""Translation ranking among the batch's sentences, with an additive margin (Yang et al. 2019)."""

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy, normalize

from headshrink.distill.losses._base import Outputs

SCALE = 20.0  # temperature 0.05
MARGIN = 0.3
SAME_MEANING = 0.9


def ranking(student: Outputs, teacher: Outputs) -> Tensor:
    """Cross-entropy of finding a sentence's translation among the batch's, both ways.

    The margin (0.3, the paper's best) is taken off the true pair's cosine, so that a translation has to win clearly.
    A sentence that the teacher holds for the same as the query's translation or as the query itself (cosine above 0.9)
    is no negative: corpora repeat themselves, and pushing a paraphrase away is what the student must not learn.
    """
    en, ru = normalize(student.en, dim=-1), normalize(student.ru, dim=-1)
    margin = MARGIN * torch.eye(len(en), dtype=en.dtype, device=en.device)
    logits = (SCALE * (en @ ru.T - margin)).masked_fill(same_meaning(teacher), -torch.inf)
    target = torch.arange(len(en), device=en.device)
    return (cross_entropy(logits, target) + cross_entropy(logits.T, target)) / 2


def same_meaning(teacher: Outputs) -> Tensor:
    """bool [pairs, pairs], symmetric, False on the diagonal: pairs near-identical to the teacher in either language."""
    same = torch.zeros(len(teacher.en), len(teacher.en), dtype=torch.bool, device=teacher.en.device)
    for side in (normalize(teacher.en, dim=-1), normalize(teacher.ru, dim=-1)):
        same |= side @ side.T > SAME_MEANING
    return same.fill_diagonal_(False)
