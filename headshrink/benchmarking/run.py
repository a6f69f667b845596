"""One benchmark run over several models: what the pipeline's stage and the command line share."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from headshrink.benchmarking import beyond
from headshrink.benchmarking.cache import ResultCache
from headshrink.benchmarking.embeddings import embed
from headshrink.benchmarking.evaluate import TaskResult, evaluate, sentence_texts
from headshrink.benchmarking.intervals import compare
from headshrink.benchmarking.journal import Journals
from headshrink.benchmarking.models import Model
from headshrink.benchmarking.read import Suite
from headshrink.benchmarking.sentences import compare_sentences, distinct_texts
from headshrink.benchmarking.suite import sts
from headshrink.benchmarking.suite._pairs import Pairs
from headshrink.benchmarking.summary import details, interval_figures, quality
from headshrink.data.text.pairs import Row, complete_rows
from headshrink.data.text.tables import read_columns
from headshrink.parameters.benchmark import DEFAULTS

GRADED = ("sentence1", "sentence2", "similarity_score")  # as in STS's own file


@dataclass(frozen=True)
class Report:
    """What one run found: quality.json's content, scores.json's, and the sentences of each model beside the first's."""

    quality: dict[str, dict[str, float]]
    details: dict[str, Any]
    sentences: dict[str, dict[str, Any]]


def run(
    models: Mapping[str, Model],
    suite: Suite,
    tasks: Sequence[str],
    batch_size: int = DEFAULTS.batch_size,
    cache: ResultCache | None = None,
    pairs: Path | None = None,
    graded: Path | None = None,
) -> Report:
    """Score models on tasks of the suite; the first model is the reference that the others are compared with.

    `pairs` (as `complete_rows` reads them) adds retrieval both ways, `graded` (a CSV of STS's columns, any languages)
    similarity; likeness to the first model is measured on the sentences of STS. Raises HeadshrinkError for data that
    are missing, altered or malformed, and for an embedding that is not finite.
    """
    extra, sample = ExtraData.read(pairs, graded), sts.TASK.load(suite)
    reference, cache = next(iter(models)), cache or ResultCache(None)
    results: dict[str, dict[str, TaskResult]] = {}
    own: dict[str, NDArray[np.float32]] = {}
    figures: dict[str, dict[str, float]] = {}
    texts = list(sentence_texts(suite, dict.fromkeys([*tasks, "sts"])))
    with cache.journals() as journals:
        for name, model in models.items():
            known, vectors = None, cache.load_vectors(model, suite, sts.TASK)
            if vectors is None:
                known = embed(model, texts, batch_size, journals)
                vectors = beyond.own_vectors(model, known, distinct_texts(sample))
            results[name], own[name] = evaluate(model, suite, tasks, batch_size, cache, known), vectors
            cache.store_vectors(model, suite, sts.TASK, vectors)
            figures[name] = extra.figures(model, batch_size, journals)
    intervals = {name: compare(results[name], results[reference]) for name in list(models)[1:]}
    for name in intervals:
        figures[name] |= interval_figures(intervals[name]) | beyond.similarity_to_teacher(own[name], own[reference])
    return Report(
        quality(results, figures),
        details(results, models, suite, reference, intervals),
        {name: compare_sentences(sample, {reference: own[reference], name: own[name]}) for name in intervals},
    )


@dataclass(frozen=True)
class ExtraData:
    """Data beyond the suite, read once and before any model computes: pairs may come through a pipe."""

    rows: list[Row]
    graded: Pairs | None

    @classmethod
    def read(cls, pairs: Path | None, graded: Path | None) -> "ExtraData":
        """From the files that are given."""
        rows = complete_rows(pairs) if pairs else []
        if graded is None:
            return cls(rows, None)
        left, right, label = read_columns(graded, GRADED[:2], numbers=GRADED[2:]).values()
        return cls(rows, Pairs(list(left), list(right), label))

    def figures(self, model: Model, batch_size: int, journals: Journals) -> dict[str, float]:
        """Retrieval and similarity of a model on the data that are there."""
        found: dict[str, float] = {}
        if self.rows:
            sides = [row.left for row in self.rows], [row.right for row in self.rows]
            embeddings = embed(model, chain(*sides), batch_size, journals)
            found |= beyond.retrieval(*(beyond.own_vectors(model, embeddings, side) for side in sides))
        if self.graded:
            embeddings = embed(model, distinct_texts(self.graded), batch_size, journals)
            found["similarity"] = beyond.similarity_on(model, embeddings, self.graded)
        return found
