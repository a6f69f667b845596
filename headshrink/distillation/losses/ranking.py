"""Translation ranking with an additive margin (Yang et al. 2019), among the batch's sentences and earlier ones."""

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy, normalize

from headshrink.distillation.losses._base import Need, Outputs, needs

SCALE = 20.0  # temperature 0.05
MARGIN = 0.3
SAME_MEANING = 0.9


@needs(Need.EMBEDDINGS, Need.TRANSLATIONS, Need.WHOLE_BATCH, Need.QUEUE)
def ranking(student: Outputs, teacher: Outputs) -> Tensor:
    """Cross-entropy of finding a sentence's translation among the batch's and the queue's, both ways.

    The margin (0.3, the paper's best) is taken off the true pair's cosine, so that a translation has to win clearly.
    A sentence that the teacher holds for the same as the query's translation or as the query itself (cosine above 0.9)
    is no negative: corpora repeat themselves, and pushing a paraphrase away is what the student must not learn.
    `teacher.queue` adds negatives from earlier batches as the teacher embeds them: cached, they cost a product and no
    pass (He et al. 2020 need a second encoder for theirs, which drifts).
    """
    en, ru = normalize(student.en, dim=-1), normalize(student.ru, dim=-1)
    queue = teacher.queue or Outputs(teacher.en[:0], teacher.ru[:0])
    margin = MARGIN * torch.eye(len(en), dtype=en.dtype, device=en.device)
    batch = (SCALE * (en @ ru.T - margin)).masked_fill(same_meaning(teacher), -torch.inf)
    older = same_meaning(teacher, queue)
    target = torch.arange(len(en), device=en.device)
    ways = []
    for logits, query, documents in ((batch, en, queue.ru), (batch.T, ru, queue.en)):
        more = (SCALE * query @ normalize(documents, dim=-1).T).masked_fill(older, -torch.inf)
        ways.append(cross_entropy(torch.cat([logits, more], dim=1), target))
    return (ways[0] + ways[1]) / 2


def same_meaning(teacher: Outputs, others: Outputs | None = None) -> Tensor:
    """bool [pairs, others]: near-identical to the teacher in either language; without others, the batch's own pairs,
    of which none is counted as its own like."""
    against = others or teacher
    same = torch.zeros(len(teacher.en), len(against.en), dtype=torch.bool, device=teacher.en.device)
    for side, other in ((teacher.en, against.en), (teacher.ru, against.ru)):
        same |= normalize(side, dim=-1) @ normalize(other, dim=-1).T > SAME_MEANING
    return same.fill_diagonal_(False) if others is None else same
