"""Batches of a training's pairs, for what scores and refits units before it."""

import numpy as np

from headshrink.distillation.pairs import Pairs
from headshrink.importance import pair_batches
from headshrink.model import PairBatch, SentenceEncoder

PAIRS_A_BATCH = 32


def text_of(encoder: SentenceEncoder, pairs: Pairs, count: int, seed: int) -> list[PairBatch]:
    """Batches of at most `count` of the pairs, drawn by `seed`; sentences without translation are not among them."""
    en, ru = (side.taken(np.arange(pairs.translations)) for side in (pairs.en, pairs.ru))
    pad_id: int = encoder.tokenizer.pad_token_id  # type: ignore[assignment]
    return list(pair_batches(en, ru, pad_id, max(1, count // PAIRS_A_BATCH), PAIRS_A_BATCH, seed))  # type: ignore[arg-type]
