"""Tasks on single words: entities told from a word's mean hidden state by a linear classifier."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from headshrink.benchmarking.outcomes import MacroF1, Outcome
from headshrink.benchmarking.read import Suite, read_entities
from headshrink.benchmarking.suite._task import Task

OUTSIDE = "O"
Entity = tuple[str, int, int]


@dataclass(frozen=True)
class LabelledWords:
    """Words and labels of every text, training and test half."""

    train: list[list[str]]
    train_label: list[list[str]]
    test: list[list[str]]
    test_label: list[list[str]]


def label_words(text: str, entities: Sequence[Entity]) -> tuple[list[str], list[str]]:
    """Words of a text (by razdel) and a B-, I- or O label for each.

    Entities claim words in the order given; a word keeps its first label, and B- goes to the first word that an entity
    still finds free. The protocol tests a word's index for truth, so that index 0 reads as "between words": an entity
    never labels the first word of a text. Scores only compare if that stays so.
    """
    import razdel

    tokens = list(razdel.tokenize(text))
    word_at = np.full(len(text), -1)
    for i, token in enumerate(tokens):
        word_at[token.start : token.stop] = i
    labels = [OUTSIDE] * len(tokens)
    for kind, start, end in entities:
        prefix = "B-"
        for word in word_at[start:end]:
            if word > 0 and labels[word] == OUTSIDE:
                labels[word] = prefix + kind
                prefix = "I-"
    return [token.text for token in tokens], labels


@dataclass(frozen=True)
class WordTask(Task):
    """Macro F1 over entity labels, O left out, of a linear classifier trained on half the texts."""

    metric = "macro F1"
    outcome = MacroF1
    kind = "word"

    def load(self, suite: Suite) -> LabelledWords:
        from sklearn.model_selection import train_test_split

        texts, entities = read_entities(suite, self.files[0])
        words, labels = zip(*map(label_words, texts, entities), strict=True)
        train, test, train_label, test_label = train_test_split(words, labels, test_size=0.5, random_state=1)
        return LabelledWords(train, train_label, test, test_label)

    def evaluate(self, data: LabelledWords, train: NDArray[Any], test: NDArray[Any], jobs: int) -> Outcome:
        """Results from word vectors [words, hidden] of the two halves, texts one after another.

        `jobs` threads share the one-against-rest fits; the outcome does not depend on it.
        """
        from sklearn.linear_model import SGDClassifier

        classifier = SGDClassifier(loss="log_loss", random_state=1, tol=1e-4, n_jobs=jobs)
        classifier.fit(train, np.concatenate(data.train_label))
        return count_by_text(classifier.predict(test), data.test_label)


def count_by_text(predicted: NDArray[Any], actual: Sequence[Sequence[str]]) -> MacroF1:
    """True positives, predictions and occurrences of each entity label in each text."""
    flat = np.concatenate(actual)
    labels = np.array(sorted(set(flat) - {OUTSIDE}))
    text = np.repeat(np.arange(len(actual)), [len(row) for row in actual])
    tables = np.zeros((3, len(actual), len(labels)), dtype=np.int64)
    for column, label in enumerate(labels):
        said, is_so = predicted == label, flat == label
        for table, chosen in zip(tables, (said & is_so, said, is_so), strict=True):
            np.add.at(table[:, column], text[chosen], 1)
    return MacroF1(*tables)
