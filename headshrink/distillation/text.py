"""Batches of a training's pairs, for what scores and refits units before it."""

from headshrink.data.table import SentenceTable
from headshrink.importance import pair_batches
from headshrink.model import PairBatch, SentenceEncoder
from headshrink.pruning.run import PAIRS_PER_BATCH


def text_of(encoder: SentenceEncoder, table: SentenceTable, count: int, seed: int) -> list[PairBatch]:
    """Batches of at most `count` of a table's pairs, drawn by `seed`."""
    batches = max(1, count // PAIRS_PER_BATCH)
    return list(pair_batches(*table.sides, encoder.pad_id, batches, PAIRS_PER_BATCH, seed))
