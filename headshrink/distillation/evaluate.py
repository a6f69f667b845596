"""How near a student is to its teacher on held-out pairs: what chooses the checkpoint."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch.nn.functional import normalize

from headshrink.data.table import SentenceTable
from headshrink.distillation.losses import Outputs
from headshrink.distillation.objective import Objective
from headshrink.metrics import retrieval_at_1
from headshrink.model import SentenceEncoder


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
    student: SentenceEncoder,
    heldout: SentenceTable,
    batches: Sequence[np.ndarray],
    objective: Objective,
    precision: str,
) -> Scores:
    """Score a student in eval mode on pairs in fixed batches [2, n]; the mode it was in is restored."""
    was_training = student.training
    student.eval()
    losses, blocks, targets = [], [], []
    for halves in batches:
        batch = heldout.batch(halves, student.tokenizer.pad_token_id).to(student.device)  # type: ignore[arg-type]
        embeddings = student.embed_batch(batch, precision)
        own = batch.teacher[:, : student.dimension]  # of several teachers, the first
        loss = objective.heldout(Outputs.from_block(embeddings), Outputs.from_block(own)).item()
        losses.append(loss * halves.shape[1])
        blocks.append(embeddings)
        targets.append(own)
    student.train(was_training)
    cosine = torch.cosine_similarity(torch.cat(blocks), torch.cat(targets)).mean().item()
    units = [normalize(block, dim=-1).cpu().numpy().reshape(2, -1, block.shape[1]) for block in blocks]
    en, ru = np.concatenate(units, axis=1)
    return Scores(sum(losses) / heldout.pairs, cosine, retrieval_at_1(en, ru))
