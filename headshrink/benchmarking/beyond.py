"""What encodechka does not ask: retrieval across languages, similarity in any, likeness to the teacher."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from headshrink.benchmarking.embeddings import Embeddings
from headshrink.benchmarking.models import Model
from headshrink.benchmarking.outcomes import Correlation
from headshrink.benchmarking.suite._pairs import Pairs
from headshrink.metrics import ROWS_PER_BLOCK, partner_ranks, unit_length

RANKS = (1, 5)
NEIGHBOURS = 10

Vectors = NDArray[np.float32]  # [texts, dimension], of unit length unless said otherwise


def own_vectors(model: Model, embeddings: Embeddings, texts: Sequence[str]) -> Vectors:
    """Embeddings at the model's own pooling, scaled to unit length: [texts, dimension]."""
    return unit_length(embeddings.vectors(texts, model.own))


def retrieval(en: Vectors, ru: Vectors) -> dict[str, float]:
    """Share of sentences whose translation is the nearest, and among the five nearest, of all on the other side.

    Row i of `en` translates row i of `ru`. The figure falls as the number of pairs grows: compare it on one file only.
    """
    found: dict[str, float] = {}
    for name, ranks in (("en_ru", partner_ranks(en, ru)), ("ru_en", partner_ranks(ru, en))):
        found |= {f"retrieval_{name}_at_{rank}": float(np.mean(ranks < rank)) for rank in RANKS}
    return found


def neighbours(vectors: Vectors, count: int) -> NDArray[np.int64]:
    """The `count` nearest other rows of each row, [texts, count], in no order."""
    found = []
    for start in range(0, len(vectors), ROWS_PER_BLOCK):
        similarity = vectors[start : start + ROWS_PER_BLOCK] @ vectors.T
        similarity[np.arange(len(similarity)), np.arange(start, start + len(similarity))] = -np.inf
        found.append(np.argpartition(-similarity, count - 1, axis=1)[:, :count])
    return np.concatenate(found)


def similarity_to_teacher(model: Vectors, teacher: Vectors) -> dict[str, float]:
    """How like its teacher a model is on the same texts: mean cosine, and overlap of the ten nearest neighbours.

    The cosine stands only where both have one dimension; the overlap, which no rotation changes, stands always.
    """
    count = min(NEIGHBOURS, len(model) - 1)
    shared = [len(set(a) & set(b)) for a, b in zip(neighbours(model, count), neighbours(teacher, count), strict=True)]
    found = {f"teacher_neighbours_at_{NEIGHBOURS}": float(np.mean(shared)) / count}
    if model.shape == teacher.shape:
        found["teacher_cosine"] = float(np.mean(np.sum(model * teacher, axis=1)))
    return found


def similarity_on(model: Model, embeddings: Embeddings, graded: Pairs) -> float:
    """Spearman's correlation of the cosine with the grades of sentence pairs, in any languages."""
    sides = (own_vectors(model, embeddings, side) for side in (graded.left, graded.right))
    return Correlation(np.sum(np.multiply(*sides), axis=1), graded.label).score()
