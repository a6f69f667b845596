"""The benchmark's results as JSON: quality.json, flat and deterministic, and scores.json with every detail."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from headshrink.benchmarking.evaluate import TaskResult
from headshrink.benchmarking.intervals import RESAMPLES, Interval, as_json, compare, complete_means, items_of
from headshrink.benchmarking.models import Model
from headshrink.benchmarking.read import Suite
from headshrink.benchmarking.suite import TASKS

DIGITS = 6  # of a score; what two runs on one machine agree in, and more than any test set resolves

Results = Mapping[str, Mapping[str, TaskResult]]  # by model name, then by task
Intervals = Mapping[str, Interval]  # by task, and by mean
Figures = Mapping[str, float]  # by name


def with_means(scores: Mapping[str, float]) -> dict[str, float]:
    """The means that these tasks allow, then the scores."""
    means = {mean: float(np.mean([scores[task] for task in tasks])) for mean, tasks in complete_means(scores).items()}
    return rounded({**means, **scores})


def quality(results: Results, beyond: Mapping[str, Figures]) -> dict[str, dict[str, float]]:
    """Per model, flat: the protocol's scores and means, the same at its own pooling as `own_...`, then `beyond`'s."""
    table = {}
    for name, tasks in results.items():
        protocol = with_means({task: result.best()[1] for task, result in tasks.items()})
        own = with_means({task: result.own_score() for task, result in tasks.items()})
        table[name] = protocol | {f"own_{key}": score for key, score in own.items()} | rounded(beyond.get(name, {}))
    return table


def interval_figures(intervals: Mapping[str, Interval]) -> dict[str, float]:
    """The means' intervals as flat figures: `mean_s_difference`, `mean_s_lower_95`, `mean_s_margin`."""
    return {
        f"{mean}_{key}": getattr(intervals[mean], key)
        for mean in complete_means(intervals)
        for key in ("difference", "lower_95", "margin")
    }


def rounded(figures: Figures) -> dict[str, float]:
    return {key: round(value, DIGITS) for key, value in figures.items()}


def details(
    results: Results, models: Mapping[str, Model], suite: Suite, reference: str, intervals: Mapping[str, Intervals]
) -> dict[str, Any]:
    """Everything a report needs: metadata, the score at every pooling and classifier, `intervals` by model."""
    first = next(iter(results.values()))
    own = {name: compare(results[name], results[reference], own=True) for name in intervals}
    return {
        "suite": {"label": suite.label, "generated": suite.generated, "sha256": suite.sha256},
        "tasks": {task: task_facts(task, first[task]) for task in first},
        "models": {name: model_facts(models[name], tasks) for name, tasks in results.items()},
        "reference": reference,
        "resamples": RESAMPLES,
        "intervals": {name: as_json(one) for name, one in intervals.items()},
        "own_intervals": {name: as_json(one) for name, one in own.items()},
    }


def task_facts(name: str, result: TaskResult) -> dict[str, Any]:
    """What a task is, and how many items it tests on (texts, for the word tasks)."""
    task = TASKS[name]
    items = items_of(result.outcomes)
    return {"title": task.title, "about": task.about, "metric": task.metric, "kind": task.kind, "test_items": items}


def model_facts(model: Model, results: Mapping[str, TaskResult]) -> dict[str, Any]:
    """A model's hash, own pooling, and its scores at every variant."""
    return {
        "sha256": model.sha256,
        "own_pooling": model.own,
        "tasks": {task: task_scores(result) for task, result in results.items()},
    }


def task_scores(result: TaskResult) -> dict[str, Any]:
    variant, score = result.best()
    variants = {name: round(outcome.score(), DIGITS) for name, outcome in result.outcomes.items()}
    own = round(result.own_score(), DIGITS)
    return {"score": round(score, DIGITS), "at": variant, "own": own, "own_at": result.own, "variants": variants}
