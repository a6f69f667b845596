"""One benchmark run over several models: what the pipeline's stage and the command line share."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from headshrink.benchmark import beyond
from headshrink.benchmark.cache import ResultCache
from headshrink.benchmark.evaluate import evaluate
from headshrink.benchmark.intervals import compare
from headshrink.benchmark.models import Model
from headshrink.benchmark.read import Suite
from headshrink.benchmark.sentences import compare_sentences, distinct_texts
from headshrink.benchmark.suite import sts
from headshrink.benchmark.summary import Results, details, interval_figures, quality


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
    batch_size: int = 64,
    cache: ResultCache | None = None,
    pairs: Path | None = None,
    graded: Path | None = None,
) -> Report:
    """Score models on tasks of the suite; the first model is the reference that the others are compared with.

    `pairs` (English TAB Russian) adds retrieval both ways, `graded` (a CSV of STS's columns, in any languages)
    similarity; likeness to the first model is measured on the sentences of STS. Raises HeadshrinkError for data that
    are missing, altered or malformed, and for an embedding that is not finite.
    """
    reference = next(iter(models))
    results: Results = {name: evaluate(model, suite, tasks, batch_size, cache) for name, model in models.items()}
    intervals = {name: compare(results[name], results[reference]) for name in list(models)[1:]}
    sample = sts.TASK.load(suite)
    own = {name: beyond.own_vectors(model, distinct_texts(sample), batch_size) for name, model in models.items()}
    figures = {name: extra_figures(model, pairs, graded, batch_size) for name, model in models.items()}
    for name in intervals:
        figures[name] |= interval_figures(intervals[name]) | beyond.likeness(own[name], own[reference])
    return Report(
        quality(results, figures),
        details(results, models, suite, reference, intervals),
        {name: compare_sentences(sample, {reference: own[reference], name: own[name]}) for name in intervals},
    )


def extra_figures(model: Model, pairs: Path | None, graded: Path | None, batch_size: int) -> dict[str, float]:
    """Retrieval and similarity on the files that are given."""
    found = beyond.retrieval_on(model, pairs, batch_size) if pairs else {}
    return found | ({"similarity": beyond.similarity_on(model, graded, batch_size)} if graded else {})
