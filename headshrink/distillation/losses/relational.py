"""Imitation of the batch's similarities (Abbasi Koohpayegani et al. 2020): who is near whom, not where."""

import torch
from torch import Tensor
from torch.nn.functional import kl_div, log_softmax, normalize

from headshrink.distillation.losses._base import Need, Outputs, needs

TEMPERATURE = 0.05


@needs(Need.EMBEDDINGS, Need.WHOLE_BATCH)
def relational(student: Outputs, teacher: Outputs) -> Tensor:
    """Mean over the batch's sentences of KL(teacher's neighbours || student's neighbours).

    A sentence's neighbours are the softmax of its cosines to all others of the batch, both languages together, at a
    temperature, here that of the ranking loss (1/20). Student and teacher may differ in dimension.
    """
    ours, theirs = (log_neighbours(torch.cat([side.en, side.ru])) for side in (student, teacher))
    return kl_div(ours, theirs, log_target=True, reduction="sum") / len(ours)


def log_neighbours(embeddings: Tensor) -> Tensor:
    """[sentences, sentences - 1]: log-softmax of each row's cosines to the others, itself left out."""
    embeddings = normalize(embeddings, dim=-1)
    cosines = embeddings @ embeddings.T / TEMPERATURE
    others = ~torch.eye(len(cosines), dtype=torch.bool, device=cosines.device)
    return log_softmax(cosines[others].view(len(cosines), -1), dim=-1)
