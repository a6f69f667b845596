"""Run tasks of the suite over one model: embeddings shared, classifiers in parallel, results cached."""

import importlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, groupby
from typing import Any

from headshrink.benchmarking.cache import ResultCache
from headshrink.benchmarking.embeddings import Embeddings, embed_groups, word_vectors
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

    `known` are embeddings that the caller has already. A killed call goes on from what the cache's folder holds; the
    results do not depend on that. Raises HeadshrinkError for a suite file that is missing, altered or malformed, and
    for an embedding that is not finite.
    """
    cache = cache or ResultCache(None)
    found = {name: outcomes for name in names if (outcomes := cache.load(model, suite, TASKS[name]))}
    groups = [group for group in tasks_by_files(names) if not found.keys() >= set(group)]
    data = {name: TASKS[name].load(suite) for group in groups for name in group}
    with cache.journals() as journals:
        embeddings = embed_tasks(model, data, known, batch_size, journals)
        missing = {name: one for name, one in data.items() if name not in found}
        sentences = sentence_outcomes(model, missing, embeddings)
        for name, outcomes in chain(sentences, word_outcomes(model, missing, batch_size, journals)):
            cache.store(model, suite, TASKS[name], outcomes)
            found[name] = outcomes
    return {name: TaskResult(found[name], own_variant(TASKS[name], model.own)) for name in names}


def tasks_by_files(names: Iterable[str]) -> list[list[str]]:
    """Tasks that read the same files, together: they share texts."""
    groups: dict[tuple[str, ...], list[str]] = {}
    for name in names:
        groups.setdefault(TASKS[name].files, []).append(name)
    return list(groups.values())


def embed_tasks(
    model: Model, data: Mapping[str, Any], known: Embeddings | None, batch_size: int, journals: Journals
) -> dict[str, Embeddings]:
    """Embeddings for each sentence task among `data`, by name; a task whose texts are all `known` gets those."""
    texts = {name: task.texts(data[name]) for name in data if isinstance(task := TASKS[name], SentenceTask)}
    found = {name: known for name in texts if known and known.row.keys() >= set(texts[name])}
    groups = tasks_by_files(name for name in texts if name not in found)
    embedded = embed_groups(model, [chain(*(texts[name] for name in group)) for group in groups], batch_size, journals)
    return found | {name: one for group, one in zip(groups, embedded, strict=True) for name in group}


def own_variant(task: Task, pooling: str) -> str:
    return variant_name(pooling, task.classifiers[0]) if isinstance(task, SentenceTask) else WORDS


def sentence_outcomes(
    model: Model, data: Mapping[str, Any], embeddings: Mapping[str, Embeddings]
) -> Iterator[tuple[str, Outcomes]]:
    """Outcomes by variant of each sentence task among `data`, as soon as all of its classifiers are done."""
    tasks = {name: task for name in data if isinstance(task := TASKS[name], SentenceTask)}
    jobs = {
        (name, variant_name(pooling, classifier)): evaluation(task, data[name], embeddings[name], pooling, classifier)
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
