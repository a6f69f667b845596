"""Batches of translation pairs as token ids, for everything that only reads the model."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from headshrink.model import PairBatch, TokenBatch

Ids = Sequence[int] | NDArray[np.integer]


class PairBatches(Sequence[PairBatch]):
    """Batches of the pairs of given numbers, each made when it is asked for."""

    def __init__(self, sides: tuple[Any, Any], pad_id: int, batches: Sequence[list[int]]) -> None:
        self.sides, self.pad_id, self.batches = sides, pad_id, batches

    def __len__(self) -> int:
        return len(self.batches)

    def __getitem__(self, i: Any) -> Any:
        if isinstance(i, slice):
            return PairBatches(self.sides, self.pad_id, self.batches[i])
        rows = self.batches[i]
        return PairBatch(*(TokenBatch.from_rows([side[row] for row in rows], self.pad_id) for side in self.sides))


def pair_batches(
    en: Sequence[Ids], ru: Sequence[Ids], pad_id: int, batches: int, batch_size: int, seed: int = 0
) -> PairBatches:
    """Draw `batches` batches of different pairs at random; fewer where the pairs run out, never a single pair.

    `en` and `ru` are token ids, special tokens included. The drawn pairs are batched by length, which halves the
    padding and makes the other pairs of a batch harder negatives: their length gives nothing away. The batches come in
    random order, so that any first part of them is a sample of the whole.
    """
    generator = np.random.default_rng(seed)
    drawn = generator.permutation(len(en))[: batches * batch_size].tolist()
    drawn.sort(key=lambda i: (len(en[i]) + len(ru[i]), i))
    starts = generator.permutation(range(0, len(drawn), batch_size))
    groups = [drawn[start : start + batch_size] for start in starts.tolist()]
    return PairBatches((en, ru), pad_id, [rows for rows in groups if len(rows) > 1])
