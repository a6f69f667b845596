"""Run tasks of the suite over one model: embeddings shared, classifiers in parallel, results cached."""

import importlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, groupby
from typing import Any

from headshrink.benchmarking.cache import ResultCache
from headshrink.benchmarking.embeddings import Embeddings, embed, word_vectors
from headshrink.benchmarking.journal import Journals
from headshrink.benchmarking.models import OWN, Model, variants
from headshrink.benchmarking.outcomes import Outcome
from headshrink.benchmarking.parallel import over_cores
from headshrink.benchmarking.read import Suite
from headshrink.benchmarking.suite import TASKS
from headshrink.benchmarking.suite._task import SentenceTask, Task
from headshrink.benchmarking.suite._words import WordTask
from headshrink.cores import cores
from headshrink.parameters.benchmark import DEFAULTS

WORDS = "words"  # the one variant of a word task

Outcomes = dict[str, Outcome]  # by variant


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
    known: Embeddings | None = None,
) -> dict[str, TaskResult]:
    """Results of a model on tasks of the suite, in the order of `names`; those in the cache are not computed again.

    `known` are embeddings of the sentence tasks' texts, where the caller has them. Raises HeadshrinkError for a suite
    file that is missing, altered or malformed, and for an embedding that is not finite.
    """
    cache = cache or ResultCache(None)
    found = {name: outcomes for name in names if (outcomes := cache.load(model, suite, TASKS[name]))}
    missing = {name: TASKS[name].load(suite) for name in names if name not in found}
    with cache.journals() as journals:
        if known is None and any(isinstance(TASKS[name], SentenceTask) for name in missing):
            known = embed(model, sentence_texts(suite, names), batch_size, journals)
        sentences = sentence_outcomes(model, missing, known) if known else ()
        for name, outcomes in chain(sentences, word_outcomes(model, missing, batch_size, journals)):
            cache.store(model, suite, TASKS[name], outcomes)
            found[name] = outcomes
    return {name: TaskResult(found[name], own_variant(TASKS[name], model.own)) for name in names}


def sentence_texts(suite: Suite, names: Iterable[str]) -> Iterator[str]:
    """The texts of all sentence tasks among `names`.

    All, even where the results of some are cached: texts share batches, and the last bits of an embedding depend on
    its batch. So no kill changes a result.
    """
    for name in names:
        if isinstance(task := TASKS[name], SentenceTask):
            yield from task.texts(task.load(suite))


def own_variant(task: Task, pooling: str) -> str:
    return variant_name(pooling, task.classifiers[0]) if isinstance(task, SentenceTask) else WORDS


def sentence_outcomes(model: Model, data: Mapping[str, Any], embeddings: Embeddings) -> Iterator[tuple[str, Outcomes]]:
    """Outcomes by variant of each sentence task among `data`, as soon as all of its classifiers are done."""
    tasks = {name: task for name in data if isinstance(task := TASKS[name], SentenceTask)}
    jobs = {
        (name, variant_name(pooling, classifier)): evaluation(task, data[name], embeddings, pooling, classifier)
        for name, task in tasks.items()
        for pooling in variants(model)
        for classifier in task.classifiers
    }
    importlib.import_module("sklearn.neighbors")  # here, since two threads that import it first break each other's
    done = zip(jobs, over_cores(list(jobs.values()), f"classifiers on {model.name}"), strict=True)
    for name, group in groupby(done, key=lambda one: one[0][0]):
        yield name, {variant: outcome for (_, variant), outcome in group}


def evaluation(
    task: SentenceTask, data: Any, embeddings: Embeddings, pooling: str, classifier: str
) -> Callable[[], Outcome]:
    return lambda: task.evaluate(data, lambda texts: embeddings.vectors(texts, pooling), classifier)


def word_outcomes(
    model: Model, data: Mapping[str, Any], batch_size: int, journals: Journals
) -> Iterator[tuple[str, Outcomes]]:
    """Outcomes of each word task among `data`."""
    for name, words in data.items():
        if isinstance(task := TASKS[name], WordTask):
            train, test = (word_vectors(model, texts, batch_size, journals) for texts in (words.train, words.test))
            yield name, {WORDS: task.evaluate(words, train, test, jobs=cores())}
