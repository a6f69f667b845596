"""Two models sentence by sentence: whose nearest neighbours changed, and which pairs moved."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from headshrink.benchmarking.suite._pairs import Pairs
from headshrink.metrics import unit_length

NEIGHBOURS = 5
DIGITS = 3  # what a reader compares; the files stay small
ROWS = 512  # of the similarity matrix held at once


def compare_sentences(data: Pairs, vectors: Mapping[str, NDArray[np.float32]]) -> dict[str, Any]:
    """What a page that compares two models shows, as JSON.

    `vectors` holds two models' embeddings by name, a row for each of `distinct_texts(data)`; similarities are cosines.
    Returns `texts`; `pairs` as [left, right, label or None, similarity of the first model, of the second]; `neighbours`
    by model, for each text the nearest ones as [text, cosine]. Texts are numbers into `texts`.
    """
    texts = distinct_texts(data)
    number = {text: i for i, text in enumerate(texts)}
    left, right = ([number[text] for text in side] for side in (data.left, data.right))
    labels = [None if np.isnan(label) else float(label) for label in data.label]  # JSON knows no NaN
    units = {name: unit_length(one) for name, one in vectors.items()}
    moved = [np.sum(one[left] * one[right], axis=1, dtype=np.float64).round(DIGITS).tolist() for one in units.values()]
    return {
        "models": list(vectors),
        "texts": texts,
        "pairs": [list(pair) for pair in zip(left, right, labels, *moved, strict=True)],
        "neighbours": {name: nearest(one, min(NEIGHBOURS, len(texts) - 1)) for name, one in units.items()},
    }


def distinct_texts(data: Pairs) -> list[str]:
    """Every sentence of the pairs once, in order."""
    return list(dict.fromkeys([*data.left, *data.right]))


def nearest(units: NDArray[np.float32], count: int) -> list[list[list[float]]]:
    """The `count` nearest other rows of each row, as [row, cosine], nearest first; equal ones by number."""
    found: list[list[list[float]]] = []
    for start in range(0, len(units), ROWS):
        similarity = (units[start : start + ROWS] @ units.T).round(DIGITS)
        similarity[np.arange(len(similarity)), np.arange(start, start + len(similarity))] = -np.inf
        thresholds = -np.partition(-similarity, count - 1, axis=1)[:, count - 1]
        found += [best(row, threshold, count) for row, threshold in zip(similarity, thresholds, strict=True)]
    return found


def best(similarity: NDArray[np.float32], threshold: float, count: int) -> list[list[float]]:
    """The `count` highest of a row as [number, similarity], where `threshold` is the lowest of them."""
    candidates = np.flatnonzero(similarity >= threshold)
    order = candidates[np.argsort(-similarity[candidates], kind="stable")][:count]
    return [[int(number), round(float(similarity[number]), DIGITS)] for number in order]
