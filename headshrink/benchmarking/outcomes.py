"""What a model did on every test item of a task, enough to recompute its score on any resample of the items.

Each outcome has `score()`, the protocol's own number through scipy or scikit-learn, and `resampled(counts)`: the same
statistic for many bootstrap resamples at once, a resample being how often each item was drawn. Working on counts
instead of drawn indices lets one sort of the items serve every resample.
"""

from dataclasses import dataclass, fields
from typing import Any, ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

Counts = NDArray[np.float64]  # [resamples, items]


class Outcome(Protocol):
    """Per-item results of one model, pooling and classifier on one task."""

    __dataclass_fields__: ClassVar[dict[str, Any]]

    def score(self) -> float: ...

    def resampled(self, counts: Counts) -> NDArray[np.float64]:
        """The score in each resample, [resamples]."""
        ...


def arrays(outcome: Outcome) -> dict[str, NDArray[Any]]:
    """An outcome's arrays by field, to be stored and handed to its class again."""
    return {field.name: getattr(outcome, field.name) for field in fields(outcome)}


def resampled_ranks(values: NDArray[Any], counts: Counts) -> NDArray[np.float64]:
    """Rank (from 1, ties averaged) that each item has within each resample, [resamples, items].

    Equal to `rankdata` on the drawn items: the copies of an item tie among themselves, so a group of tied items with
    `below` draws under it and `drawn` draws in it has rank below + (drawn + 1) / 2.
    """
    _, group = np.unique(values, return_inverse=True)
    order = np.argsort(group, kind="stable")
    starts = np.flatnonzero(np.diff(group[order], prepend=-1))
    drawn = np.add.reduceat(counts[:, order], starts, axis=1)
    below = np.cumsum(drawn, axis=1) - drawn
    return (below + (drawn + 1) / 2)[:, group]


@dataclass(frozen=True)
class Correlation:
    """Spearman's correlation of a similarity with a graded label, [items] each; 0 where either is constant."""

    similarity: NDArray[np.float32]
    label: NDArray[Any]

    def score(self) -> float:
        from scipy.stats import spearmanr

        if np.ptp(self.similarity) == 0 or np.ptp(self.label) == 0:
            return 0.0
        return float(spearmanr(self.label, self.similarity).correlation)

    def resampled(self, counts: Counts) -> NDArray[np.float64]:
        x, y = resampled_ranks(self.similarity, counts), resampled_ranks(self.label, counts)
        total = counts.sum(1, keepdims=True)
        x -= (counts * x).sum(1, keepdims=True) / total
        y -= (counts * y).sum(1, keepdims=True) / total
        covariance, square_x, square_y = ((counts * product).sum(1) for product in (x * y, x * x, y * y))
        scale = np.sqrt(square_x * square_y)
        found: NDArray[np.float64] = np.divide(covariance, scale, out=np.zeros_like(scale), where=scale > 0)
        return found


@dataclass(frozen=True)
class Accuracy:
    """Share of items predicted right."""

    correct: NDArray[np.bool_]

    def score(self) -> float:
        return float(np.mean(self.correct))

    def resampled(self, counts: Counts) -> NDArray[np.float64]:
        found: NDArray[np.float64] = counts @ self.correct / counts.sum(1)
        return found


@dataclass(frozen=True)
class Auc:
    """Area under the ROC curve of a positive-class probability, [items]."""

    probability: NDArray[Any]
    positive: NDArray[np.bool_]

    def score(self) -> float:
        from sklearn.metrics import roc_auc_score

        return float(roc_auc_score(self.positive, self.probability))

    def resampled(self, counts: Counts) -> NDArray[np.float64]:
        """Through the Mann-Whitney identity: AUC = (rank sum of positives - P(P+1)/2) / (P N).

        A resample of one class alone is worth 0.5; only tests of a few items have any.
        """
        positives = counts[:, self.positive].sum(1)
        negatives = counts.sum(1) - positives
        ranks = resampled_ranks(self.probability, counts)
        rank_sum = (counts * ranks)[:, self.positive].sum(1)
        above, comparisons = rank_sum - positives * (positives + 1) / 2, positives * negatives
        found: NDArray[np.float64] = np.divide(above, comparisons, out=np.full_like(above, 0.5), where=comparisons > 0)
        return found


@dataclass(frozen=True)
class MacroF1:
    """Macro F1 over entity labels; counts are [texts, labels].

    The items are texts, not words: words of one text are not independent, and resampling them alone would promise
    intervals that are too narrow.
    """

    true_positive: NDArray[np.int64]
    predicted: NDArray[np.int64]
    actual: NDArray[np.int64]

    def score(self) -> float:
        return float(self.resampled(np.ones((1, len(self.actual))))[0])

    def resampled(self, counts: Counts) -> NDArray[np.float64]:
        """Averaged over the labels that occur in the resample, as the protocol takes those that occur in the test."""
        hits, predicted, actual = (counts @ table for table in (self.true_positive, self.predicted, self.actual))
        present = actual > 0
        f1 = np.where(present, 2 * hits / np.maximum(predicted + actual, 1), 0.0)
        found: NDArray[np.float64] = f1.sum(1) / np.maximum(present.sum(1), 1)
        return found
