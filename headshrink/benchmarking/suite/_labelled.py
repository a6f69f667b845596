"""Tasks that train a small classifier on embeddings of labelled texts and test it on others."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from headshrink.benchmarking.outcomes import Accuracy, Auc, Outcome
from headshrink.benchmarking.read import Suite, read_table
from headshrink.benchmarking.suite._task import SentenceTask, Vectors

ITERATIONS = 10_000  # the protocol's limit for lbfgs, far above what it needs


@dataclass(frozen=True)
class Labelled:
    """Training and test texts with their labels."""

    train: list[str]
    train_label: NDArray[Any]
    test: list[str]
    test_label: NDArray[Any]


def make_classifier(name: str) -> Any:
    """The protocol's estimators: `lr`, logistic regression, and `knn`, three neighbours weighted by distance."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.neighbors import KNeighborsClassifier

    if name == "knn":
        return KNeighborsClassifier(n_neighbors=3, weights="distance")
    return LogisticRegression(max_iter=ITERATIONS)


@dataclass(frozen=True)
class LabelledTask(SentenceTask):
    """A task with a training and a test file; `train_text` may be a column of another language."""

    label: str
    train_text: str = "text"
    test_text: str = "text"

    def load(self, suite: Suite) -> Labelled:
        train = read_table(suite, self.files[0], [self.train_text], [self.label])
        test = read_table(suite, self.files[1], [self.test_text], [self.label])
        return Labelled(list(train[self.train_text]), train[self.label], list(test[self.test_text]), test[self.label])

    def texts(self, data: Labelled) -> list[str]:
        return [*data.train, *data.test]


@dataclass(frozen=True)
class LabelAccuracy(LabelledTask):
    """Accuracy; the better of the two classifiers counts."""

    metric = "accuracy"
    outcome = Accuracy
    classifiers = ("lr", "knn")

    def evaluate(self, data: Labelled, vectors: Vectors, classifier: str) -> Outcome:
        fitted = make_classifier(classifier).fit(vectors(data.train), data.train_label)
        return Accuracy(np.asarray(fitted.predict(vectors(data.test)) == data.test_label, dtype=bool))


@dataclass(frozen=True)
class LabelAuc(LabelledTask):
    """ROC AUC of a logistic regression's probability of the second of two classes."""

    metric = "ROC AUC"
    outcome = Auc

    def evaluate(self, data: Labelled, vectors: Vectors, classifier: str) -> Outcome:
        fitted = make_classifier("lr").fit(vectors(data.train), data.train_label)
        probability = fitted.predict_proba(vectors(data.test))[:, 1]
        return Auc(probability, np.asarray(data.test_label == fitted.classes_[1], dtype=bool))
