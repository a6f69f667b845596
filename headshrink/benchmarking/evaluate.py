"""Run tasks of the suite over one model: embeddings shared, classifiers in parallel, results cached."""

import importlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from headshrink.benchmarking.cache import ResultCache
from headshrink.benchmarking.embeddings import Embeddings, embed, word_vectors
from headshrink.benchmarking.models import OWN, Model, variants
from headshrink.benchmarking.outcomes import Outcome
from headshrink.benchmarking.parallel import over_cores
from headshrink.benchmarking.read import Suite
from headshrink.benchmarking.suite import TASKS
from headshrink.benchmarking.suite._task import SentenceTask, Task
from headshrink.benchmarking.suite._words import LabelledWords, WordTask
from headshrink.cores import cores
from headshrink.parameters.benchmark import DEFAULTS

WORDS = "words"  # the one variant of a word task


@dataclass(frozen=True)
class TaskResult:
    """One model on one task: an outcome for every variant ("mean_norm", "mean_norm__lr"), and which is its own."""

    outcomes: dict[str, Outcome]
    own: str

    @property
    def protocol(self) -> dict[str, Outcome]:
        """The variants whose maximum is the protocol's score.

        A pooling that the protocol lacks is not among them, unless the model, an ONNX graph, gives no other.
        """
        known = {name: outcome for name, outcome in self.outcomes.items() if pooling_of(name) != OWN}
        return known or self.outcomes

    def best(self) -> tuple[str, float]:
        """The protocol's score and where it was reached; an optimist's, as the maximum is taken on the test items."""
        scores = {name: outcome.score() for name, outcome in self.protocol.items()}
        name = max(scores, key=lambda name: scores[name])
        return name, scores[name]

    def own_score(self) -> float:
        """The score at the model's own pooling and the first classifier: nothing in it was chosen by the test."""
        return self.outcomes[self.own].score()


def pooling_of(variant: str) -> str:
    return variant.partition("__")[0]


def variant_name(pooling: str, classifier: str) -> str:
    return f"{pooling}__{classifier}" if classifier else pooling


def evaluate(
    model: Model,
    suite: Suite,
    names: Sequence[str],
    batch_size: int = DEFAULTS.batch_size,
    cache: ResultCache | None = None,
) -> dict[str, TaskResult]:
    """Results of a model on tasks of the suite, in the order of `names`; those in the cache are not computed again.

    Raises HeadshrinkError for a suite file that is missing, altered or malformed, and for an embedding that is not
    finite.
    """
    cache = cache or ResultCache(None)
    cached = {name: cache.load(model, suite, TASKS[name]) for name in names}
    data = {name: TASKS[name].load(suite) for name, outcomes in cached.items() if outcomes is None}
    computed = sentence_outcomes(model, data, batch_size) | word_outcomes(model, data, batch_size)
    for name, outcomes in computed.items():
        cache.store(model, suite, TASKS[name], outcomes)
    found = {name: outcomes for name, outcomes in cached.items() if outcomes is not None} | computed
    return {name: TaskResult(found[name], own_variant(TASKS[name], model.own)) for name in names}


def own_variant(task: Task, pooling: str) -> str:
    return variant_name(pooling, task.classifiers[0]) if isinstance(task, SentenceTask) else WORDS


def sentence_outcomes(model: Model, data: dict[str, Any], batch_size: int) -> dict[str, dict[str, Outcome]]:
    """Outcomes of the sentence tasks among `data`, by task and variant."""
    tasks = {name: task for name in data if isinstance(task := TASKS[name], SentenceTask)}
    embeddings = embed(model, (text for name, task in tasks.items() for text in task.texts(data[name])), batch_size)
    jobs = {
        (name, variant_name(pooling, classifier)): evaluation(task, data[name], embeddings, pooling, classifier)
        for name, task in tasks.items()
        for pooling in variants(model)
        for classifier in task.classifiers
    }
    importlib.import_module("sklearn.neighbors")  # here, since two threads that import it first break each other's
    done = over_cores(list(jobs.values()), f"classifiers on {model.name}")
    outcomes: dict[str, dict[str, Outcome]] = {name: {} for name in tasks}
    for (name, variant), outcome in zip(jobs, done, strict=True):
        outcomes[name][variant] = outcome
    return outcomes


def evaluation(
    task: SentenceTask, data: Any, embeddings: Embeddings, pooling: str, classifier: str
) -> Callable[[], Outcome]:
    return lambda: task.evaluate(data, lambda texts: embeddings.vectors(texts, pooling), classifier)


def word_outcomes(model: Model, data: dict[str, Any], batch_size: int) -> dict[str, dict[str, Outcome]]:
    """Outcomes of the word tasks among `data`."""
    outcomes: dict[str, dict[str, Outcome]] = {}
    for name, words in data.items():
        if isinstance(task := TASKS[name], WordTask):
            outcomes[name] = {WORDS: word_outcome(model, task, words, batch_size)}
    return outcomes


def word_outcome(model: Model, task: WordTask, data: LabelledWords, batch_size: int) -> Outcome:
    train, test = (word_vectors(model, texts, batch_size) for texts in (data.train, data.test))
    return task.evaluate(data, train, test, jobs=cores())
