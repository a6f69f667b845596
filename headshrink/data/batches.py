"""Length-bucketed batches: sentences of similar length together, in an order that a seed and an epoch fix."""

from collections.abc import Sequence

import numpy as np

from headshrink.data.table import NONE, SentenceTable

BATCHES_PER_POOL = 50


def bucketed(lengths: np.ndarray, batch_size: int, seed: int, epoch: int) -> list[np.ndarray]:
    """Indices of one epoch's batches; every pair is in exactly one.

    The pairs are shuffled, cut into pools of BATCHES_PER_POOL batches, each pool is sorted by length and cut into
    batches, and the batches are shuffled. Sorting the whole corpus would pad a little less but put the same pairs
    together in every epoch, and with them the same negatives. The order depends on (seed, epoch) alone, so that a
    resumed run finds its place by counting steps.
    """
    rng = np.random.default_rng((seed, epoch))
    order = rng.permutation(len(lengths))
    batches = []
    for pool in pieces(order, batch_size * BATCHES_PER_POOL):
        by_length = pool[np.argsort(lengths[pool], kind="stable")]
        batches += pieces(by_length, batch_size)
    return [batches[i] for i in rng.permutation(len(batches))]


def halves(table: SentenceTable) -> np.ndarray:
    """Sentences by number, [2, rows]: what stands in the same row of the two halves of a block.

    The pairs come first. Two sentences without translation share each further row: those of similar length, so that
    the block has little padding. An odd last one is left out.
    """
    single = np.flatnonzero(table.translations == NONE)
    single = single[np.argsort(table.tokens.lengths[single], kind="stable")]
    return np.concatenate([table.pair_rows, single[: len(single) // 2 * 2].reshape(-1, 2).T], axis=1)


def bucketed_apart(lengths: np.ndarray, first: int, batch_size: int, seed: int, epoch: int) -> list[np.ndarray]:
    """As `bucketed`, but no batch holds rows of both the `first` and those after; their batches come in turn."""
    if first == len(lengths):
        return bucketed(lengths, batch_size, seed, epoch)
    batches = bucketed(lengths[:first], batch_size, seed, epoch)
    batches += [batch + first for batch in bucketed(lengths[first:], batch_size, seed, epoch)]
    return [batches[i] for i in np.random.default_rng((seed, epoch, first)).permutation(len(batches))]


def in_order(lengths: np.ndarray, batch_size: int) -> list[np.ndarray]:
    """Batches of the whole set by length, shortest first: for evaluation, where the order does not matter."""
    return pieces(np.argsort(lengths, kind="stable"), batch_size)


def micro_batches(halves: np.ndarray, lengths: np.ndarray, most: int) -> list[np.ndarray]:
    """A batch [2, rows] in parts of at most `most` padded tokens each; a row that has more is a part of its own.

    `lengths` are those of all sentences. A batch within the bound stays as it is; the rows of a larger one are sorted
    by length, longest first, so that each part has little padding.
    """
    widths = lengths[halves].max(0)
    if halves.size * int(widths.max()) <= most:
        return [halves]
    order, parts, start = np.argsort(-widths, kind="stable"), [], 0
    while start < len(order):
        stop = start + max(1, most // (2 * int(widths[order[start]])))
        parts.append(halves[:, order[start:stop]])
        start = stop
    return parts


def pairs_in_order(table: SentenceTable, batch_size: int) -> list[np.ndarray]:
    """The pairs of a table `in_order` of their longer sides: numbers of sentences, [2, n] per batch."""
    rows = table.pair_rows
    return [rows[:, batch] for batch in in_order(table.tokens.lengths[rows].max(0), batch_size)]


def pieces(order: np.ndarray, size: int) -> list[np.ndarray]:
    return [order[start : start + size] for start in range(0, len(order), size)]


def padding_waste(lengths: np.ndarray, batches: Sequence[np.ndarray]) -> float:
    """Share of the blocks' cells that are padding: 0 where all sentences of every batch are equally long.

    `lengths` are those of all sentences; a batch is the numbers of its sentences, in any shape.
    """
    tokens = sum(int(lengths[batch].sum()) for batch in batches)
    return 1 - tokens / sum(batch.size * int(lengths[batch].max()) for batch in batches)
