"""Which differences between two models are real: a paired bootstrap over the test items.

Both models are scored on the same resamples of the items, with the maximum over poolings taken anew inside each of
them, so that the maximum's optimism is in the interval too. What is resampled is the test: an interval does not say
what another training of the model, or of a task's classifier, would have given (Dror et al. 2018, section 3).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from headshrink.benchmarking.evaluate import TaskResult
from headshrink.benchmarking.outcomes import Outcome, arrays
from headshrink.benchmarking.suite import TASKS

RESAMPLES = 1000
CHUNK_CELLS = 1_000_000  # counts held at once, 8 MB
ALPHA = 0.05


@dataclass(frozen=True)
class Interval:
    """A model's score minus the reference's.

    `lower_95` and `upper_95` are one-sided 95% bounds each (together a 90% interval). `margin` is the smallest m for
    which "no worse than the reference by more than m" is proved at that level: 0 where the model is proved better.
    """

    difference: float
    lower_95: float
    upper_95: float
    margin: float


def interval(difference: float, resampled: NDArray[np.float64]) -> Interval:
    """The percentile interval of a difference from its bootstrap values [resamples]."""
    lower, upper = np.quantile(resampled, [ALPHA, 1 - ALPHA])
    return Interval(difference, float(lower), float(upper), max(0.0, -float(lower)))


def draws(items: int, resamples: int, seed: Sequence[int]) -> Iterator[NDArray[np.float64]]:
    """Bootstrap resamples of `items` test items as counts [chunk, items], the same for the same seed."""
    generator = np.random.default_rng(list(seed))
    chunk = max(1, CHUNK_CELLS // items)
    for start in range(0, resamples, chunk):
        rows = min(chunk, resamples - start)
        drawn = generator.integers(items, size=(rows, items)) + np.arange(rows)[:, None] * items
        yield np.bincount(drawn.ravel(), minlength=rows * items).reshape(rows, items).astype(np.float64)


def items_of(outcomes: Mapping[str, Outcome]) -> int:
    """Test items of a task's outcomes."""
    return len(next(iter(arrays(next(iter(outcomes.values()))).values())))


def resampled_scores(result: TaskResult, task: str, resamples: int, own: bool) -> NDArray[np.float64]:
    """A model's score on a task in each resample, [resamples]: the maximum over variants, or its own pooling's.

    Tasks with the same test file and size share their draws (IC and ICX test on the same requests), and so do all
    models: that is what makes the comparison paired.
    """
    outcomes = {result.own: result.outcomes[result.own]} if own else result.protocol
    seed = [*TASKS[task].tested.encode()]
    chunks = draws(items_of(outcomes), resamples, seed)
    return np.concatenate(
        [np.max([outcome.resampled(counts) for outcome in outcomes.values()], axis=0) for counts in chunks]
    )


def compare(
    model: Mapping[str, TaskResult], reference: Mapping[str, TaskResult], resamples: int = RESAMPLES, own: bool = False
) -> dict[str, Interval]:
    """Intervals of a model against a reference for every task, `mean_s` and `mean_sw`.

    The tasks of a mean are different tests, hence resampled apart; a mean stands only where all its tasks are there.
    1000 resamples leave a bootstrap error of about 3% of the interval's half-width on a 5% bound.
    """
    values: dict[str, tuple[float, NDArray[np.float64]]] = {}
    for task in model:
        mine, theirs = (one[task].own_score() if own else one[task].best()[1] for one in (model, reference))
        drawn_mine, drawn_theirs = (resampled_scores(one[task], task, resamples, own) for one in (model, reference))
        values[task] = mine - theirs, drawn_mine - drawn_theirs
    for mean, tasks in complete_means(model).items():
        difference = float(np.mean([values[task][0] for task in tasks]))
        values[mean] = difference, np.mean([values[task][1] for task in tasks], axis=0)
    return {name: interval(*value) for name, value in values.items()}


def complete_means(tasks: Mapping[str, Any]) -> dict[str, list[str]]:
    """The encodechka means that these tasks allow: mean_s over the sentence tasks, mean_sw over all ten."""
    ten = {name: task for name, task in TASKS.items() if task.in_means}
    means = {"mean_s": [name for name, task in ten.items() if task.kind == "sentence"], "mean_sw": list(ten)}
    return {mean: members for mean, members in means.items() if set(members) <= set(tasks)}


def as_json(intervals: Mapping[str, Interval], digits: int = 6) -> dict[str, dict[str, float]]:
    return {name: {key: round(value, digits) for key, value in asdict(one).items()} for name, one in intervals.items()}
