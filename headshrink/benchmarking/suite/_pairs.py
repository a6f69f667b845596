"""Tasks that score a pair of sentences by the dot product of their embeddings."""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from headshrink.benchmarking.outcomes import Correlation, Outcome
from headshrink.benchmarking.read import Suite, read_table
from headshrink.benchmarking.suite._task import SentenceTask, Vectors


@dataclass(frozen=True)
class Pairs:
    """Sentence pairs and the label of each, [pairs] all three."""

    left: list[str]
    right: list[str]
    label: NDArray[Any]


def dot_products(data: Pairs, vectors: Vectors) -> NDArray[np.float32]:
    """Dot product of the two embeddings of each pair, [pairs]; not the cosine: plain poolings keep their lengths."""
    products: NDArray[np.float32] = np.sum(vectors(data.left) * vectors(data.right), axis=1)
    return products


@dataclass(frozen=True)
class PairTask(SentenceTask):
    """A task on sentence pairs; `columns` name the two sentences and the label, a number where it is `graded`."""

    graded: ClassVar[bool] = False

    columns: tuple[str, str, str]

    def load(self, suite: Suite) -> Pairs:
        *texts, label = self.columns
        labels: dict[str, list[str]] = {"numbers" if self.graded else "labels": [label]}
        left, right, values = read_table(suite, self.files[0], texts, **labels).values()
        return Pairs(list(left), list(right), values)

    def texts(self, data: Pairs) -> list[str]:
        return [*data.left, *data.right]


@dataclass(frozen=True)
class PairSimilarity(PairTask):
    """Spearman's correlation of the dot product with a graded label; nothing is trained."""

    metric = "Spearman"
    outcome = Correlation
    graded = True

    def evaluate(self, data: Pairs, vectors: Vectors, classifier: str) -> Outcome:
        return Correlation(dot_products(data, vectors), data.label)
