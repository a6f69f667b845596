"""How near a student is to its teacher on held-out pairs: what chooses the checkpoint."""

from dataclasses import dataclass

import numpy as np
import torch
from torch.nn.functional import normalize

from headshrink.data.batches import pairs_in_order
from headshrink.data.table import SentenceTable, Targets, Tokens
from headshrink.distillation.losses import Outputs
from headshrink.distillation.objective import Objective
from headshrink.metrics import retrieval_at_1
from headshrink.model import SentenceEncoder
from headshrink.progress import track


@dataclass(frozen=True)
class HeldoutScores:
    """A student on held-out pairs.

    `loss`: the recipe's weighted sum of losses on embeddings, mean over pairs. `cosine`: to the teacher's embedding,
    mean over the sentences of both languages. `retrieval_at_1`: share of sentences whose translation is nearest among
    all sentences of the other language in these pairs, mean of both directions.
    """

    loss: float
    cosine: float
    retrieval_at_1: float


def sample(heldout: SentenceTable, count: int) -> SentenceTable:
    """At most `count` of a table's pairs, evenly spaced, in memory: the same ones for every training on these pairs."""
    if heldout.pairs <= count:
        return heldout
    chosen = heldout.pair_rows[:, np.linspace(0, heldout.pairs - 1, count).round().astype(int)]
    en, ru = (Tokens.from_rows([heldout.tokens[i] for i in side]) for side in chosen)
    targets = [Targets.from_array(targets.take(chosen.ravel())) for targets in heldout.targets]
    return SentenceTable.of_pairs(en, ru, targets)


@torch.inference_mode()
def evaluate(
    student: SentenceEncoder, heldout: SentenceTable, objective: Objective, batch_size: int, precision: str
) -> HeldoutScores:
    """Score a student in eval mode on the pairs of a table; the mode it was in is restored."""
    was_training = student.training
    student.eval()
    losses, cosines, units = [], [], []
    batches = pairs_in_order(heldout, batch_size)
    for halves in track(batches, "held-out evaluation"):
        batch = heldout.batch(halves, student.pad_id).to(student.device)
        embeddings = student.embed_batch(batch, precision)
        own = batch.teacher[:, : student.dimension]  # of several teachers, the first
        loss = objective.heldout(Outputs.from_block(embeddings), Outputs.from_block(own)).item()
        losses.append(loss * halves.shape[1])
        cosines.append(torch.cosine_similarity(embeddings, own))
        units.append(normalize(embeddings, dim=-1).cpu().numpy().reshape(2, -1, embeddings.shape[1]))
    student.train(was_training)
    en, ru = np.concatenate(units, axis=1)
    return HeldoutScores(sum(losses) / heldout.pairs, torch.cat(cosines).mean().item(), retrieval_at_1(en, ru))
