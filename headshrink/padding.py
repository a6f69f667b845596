"""Sentences of different lengths in one block, and which of them share one; numpy alone."""

from collections.abc import Iterator, Sequence

import numpy as np


def padded(rows: Sequence[Sequence[int] | np.ndarray], pad_id: int) -> tuple[np.ndarray, np.ndarray]:
    """Token ids padded to the longest row, and their 0/1 mask, both int64 [rows, longest row].

    >>> [block.tolist() for block in padded([[5, 6], [7]], pad_id=0)]
    [[[5, 6], [7, 0]], [[1, 1], [1, 0]]]
    """
    lengths = np.array([len(row) for row in rows])
    mask = np.arange(lengths.max()) < lengths[:, None]
    ids = np.full(mask.shape, pad_id, dtype=np.int64)
    ids[mask] = np.concatenate([np.asarray(row, dtype=np.int64) for row in rows])
    return ids, mask.astype(np.int64)


def length_batches(lengths: Sequence[int], batch_size: int, max_tokens: int | None = None) -> Iterator[list[int]]:
    """Indices in batches of similar length, longest first: little padding, and the largest block comes at once.

    A batch holds at most `batch_size` rows; with `max_tokens` also at most so many tokens, padding included. A longer
    row is a batch of its own.

    >>> list(length_batches([1, 9, 2, 8], batch_size=3, max_tokens=12))
    [[1], [3], [2, 0]]
    """
    order = sorted(range(len(lengths)), key=lambda i: -lengths[i])
    start = 0
    while start < len(order):
        longest = max(1, lengths[order[start]])
        rows = batch_size if max_tokens is None else max(1, min(batch_size, max_tokens // longest))
        yield order[start : start + rows]
        start += rows
