"""NLI: entailment, neutrality or contradiction from one number, the pair's dot product (XNLI test in Russian)."""

from dataclasses import dataclass

import numpy as np

from headshrink.benchmarking.outcomes import Accuracy, Outcome
from headshrink.benchmarking.suite._labelled import make_classifier
from headshrink.benchmarking.suite._pairs import Pairs, PairTask, dot_products
from headshrink.benchmarking.suite._task import Vectors


@dataclass(frozen=True)
class Entailment(PairTask):
    """Accuracy of a logistic regression on the dot product, predicted out of fold in three shuffled folds."""

    metric = "accuracy"
    outcome = Accuracy

    def evaluate(self, data: Pairs, vectors: Vectors, classifier: str) -> Outcome:
        from sklearn.model_selection import KFold, cross_val_predict

        folds = KFold(n_splits=3, shuffle=True, random_state=1)
        feature = dot_products(data, vectors)[:, np.newaxis]
        predicted = cross_val_predict(make_classifier("lr"), feature, data.label, cv=folds)
        return Accuracy(np.asarray(predicted == data.label, dtype=bool))


TASK = Entailment(
    name="nli",
    title="NLI",
    about="entailment, neutral or contradiction (XNLI)",
    files=("xnli_ru.csv",),
    columns=("sentence1", "sentence2", "gold_label"),
)
