"""Batches of translation pairs as token ids, for everything that only reads the model."""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from headshrink.model import PairBatch, TokenBatch

Ids = Sequence[int] | NDArray[np.integer]


def pair_batches(
    en: Sequence[Ids], ru: Sequence[Ids], pad_id: int, batches: int, batch_size: int, seed: int = 0
) -> Iterator[PairBatch]:
    """Draw `batches` batches of different pairs at random; fewer where the pairs run out, never a single pair.

    `en` and `ru` are token ids, special tokens included. The drawn pairs are batched by length, which halves the
    padding and makes the other pairs of a batch harder negatives: their length gives nothing away. The batches come in
    random order, so that any first part of them is a sample of the whole.
    """
    generator = np.random.default_rng(seed)
    drawn = generator.permutation(len(en))[: batches * batch_size].tolist()
    drawn.sort(key=lambda i: (len(en[i]) + len(ru[i]), i))
    starts = generator.permutation(range(0, len(drawn), batch_size))
    for start in starts.tolist():
        rows = drawn[start : start + batch_size]
        if len(rows) > 1:
            yield PairBatch(*(TokenBatch.from_rows([side[i] for i in rows], pad_id) for side in (en, ru)))
