"""Figures on embeddings that every part of the library shares; numpy alone."""

import numpy as np
from numpy.typing import NDArray

ROWS_PER_BLOCK = 1024  # rows of a similarity matrix that are in memory at once

Floats = NDArray[np.floating]


def unit_length(rows: Floats) -> Floats:
    """Rows [texts, dimension] scaled to unit length; a row of zeros stays.

    >>> unit_length(np.array([[3.0, 4.0], [0.0, 0.0]])).tolist()
    [[0.6, 0.8], [0.0, 0.0]]
    """
    return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), np.finfo(np.float32).tiny)


def retrieval_at_1(en: Floats, ru: Floats) -> float:
    """Share of rows whose nearest row on the other side has the same number, mean of both directions.

    Both are [pairs, dimension], of unit length. Of equally near rows the first counts as the nearest.

    >>> retrieval_at_1(np.eye(2), np.array([[1.0, 0.0], [0.8, 0.6]]))
    0.75
    """
    return (_hits(en, ru) + _hits(ru, en)) / (2 * len(en))


def _hits(queries: Floats, candidates: Floats) -> int:
    hits = 0
    for start in range(0, len(queries), ROWS_PER_BLOCK):
        nearest = (queries[start : start + ROWS_PER_BLOCK] @ candidates.T).argmax(1)
        hits += int((nearest == np.arange(start, start + len(nearest))).sum())
    return hits


def partner_ranks(queries: Floats, candidates: Floats) -> NDArray[np.int64]:
    """How many candidates are nearer to query i than candidate i is, [queries]; equally near ones do not count."""
    nearer = []
    for start in range(0, len(queries), ROWS_PER_BLOCK):
        similarity = queries[start : start + ROWS_PER_BLOCK] @ candidates.T
        partner = similarity[np.arange(len(similarity)), np.arange(start, start + len(similarity))]
        nearer.append((similarity > partner[:, None]).sum(1))
    return np.concatenate(nearer)


def ranks(values: NDArray) -> NDArray[np.int64]:
    """The rank of each value from 0, flattened; ties are ranked by position.

    >>> ranks(np.array([5.0, 1.0, 5.0])).tolist()
    [1, 0, 2]
    """
    return np.argsort(np.argsort(values, axis=None, kind="stable"), kind="stable")


def spearman(one: NDArray, other: NDArray) -> float:
    """Rank correlation of two samples; ties, which real-valued samples hardly have, are ranked by position.

    >>> round(spearman(np.array([1.0, 2.0, 9.0]), np.array([0.1, 0.3, 0.2])), 3)
    0.5
    """
    return float(np.asarray(np.corrcoef(ranks(one), ranks(other)))[0, 1])


def cosines(one: Floats, other: Floats) -> NDArray[np.float64]:
    """Cosine of each row of `one` with the same row of `other`, [rows], computed in float64.

    >>> cosines(np.array([[2.0, 0.0]]), np.array([[1.0, 1.0]])).round(4).tolist()
    [0.7071]
    """
    return (unit_length(one.astype(np.float64)) * unit_length(other.astype(np.float64))).sum(1)
