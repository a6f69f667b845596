"""How near a student is to its teacher on held-out pairs: what chooses the checkpoint."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import normalize

from headshrink.distill.losses import Outputs
from headshrink.distill.objective import Objective, embed_block
from headshrink.distill.pairs import Pairs
from headshrink.model import SentenceEncoder

ROWS_A_BLOCK = 1024


@dataclass(frozen=True)
class Scores:
    """A student on held-out pairs.

    `loss`: the recipe's weighted sum of losses on embeddings, mean over pairs. `cosine`: to the teacher's embedding,
    mean over the sentences of both languages. `retrieval_at_1`: share of sentences whose translation is nearest among
    all held-out sentences of the other language, mean of both directions.
    """

    loss: float
    cosine: float
    retrieval_at_1: float


@torch.inference_mode()
def evaluate(
    student: SentenceEncoder, pairs: Pairs, batches: Sequence[np.ndarray], objective: Objective, precision: str
) -> Scores:
    """Score a student in eval mode on pairs in fixed batches; the mode it was in is restored."""
    was_training = student.training
    student.eval()
    losses, blocks, targets = [], [], []
    for indices in batches:
        batch = pairs.batch(indices, student.tokenizer.pad_token_id).to(student.device)  # type: ignore[arg-type]
        embeddings = embed_block(student, batch, precision)
        own = batch.teacher[:, : student.dimension]  # of several teachers, the first
        losses.append(objective.heldout(Outputs.from_block(embeddings), Outputs.from_block(own)).item() * len(indices))
        blocks.append(embeddings)
        targets.append(own)
    student.train(was_training)
    cosine = torch.cosine_similarity(torch.cat(blocks), torch.cat(targets)).mean().item()
    sides = [torch.cat(side) for side in zip(*(block.chunk(2) for block in blocks), strict=True)]
    return Scores(sum(losses) / len(pairs), cosine, retrieval_at_1(*sides))


def retrieval_at_1(en: Tensor, ru: Tensor) -> float:
    """Share of rows whose nearest row on the other side, by cosine, is the one with their number; both directions."""
    en, ru = normalize(en, dim=-1), normalize(ru, dim=-1)
    hits = 0
    for queries, documents in ((en, ru), (ru, en)):
        for start in range(0, len(queries), ROWS_A_BLOCK):
            nearest = (queries[start : start + ROWS_A_BLOCK] @ documents.T).argmax(1).cpu()
            hits += int((nearest == torch.arange(start, start + len(nearest))).sum())
    return hits / (2 * len(en))
