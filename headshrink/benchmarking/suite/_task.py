"""What every task of the suite has: typed metadata, its data, and its evaluation for one pooling and classifier."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from headshrink.benchmarking.outcomes import Outcome
from headshrink.benchmarking.read import Suite

Vectors = Callable[[Sequence[str]], NDArray[np.float32]]  # texts -> [texts, dimension]


@dataclass(frozen=True)
class Task(ABC):
    """One task of encodechka. `name` is its file's; `title` is encodechka's; `about` says what is asked of a model.

    `in_means`: a task that encodechka does not have is False, and counts in neither mean S nor mean S+W.
    """

    name: str
    title: str
    about: str
    files: tuple[str, ...]
    in_means: bool = field(default=True, kw_only=True)

    metric: ClassVar[str]
    outcome: ClassVar[type[Any]]
    kind: ClassVar[Literal["sentence", "word"]] = "sentence"

    @property
    def tested(self) -> str:
        """The file whose rows are the test items: tasks that share it are resampled together."""
        return self.files[-1]

    @abstractmethod
    def load(self, suite: Suite) -> Any:
        """The task's data; HeadshrinkError where a file is missing, altered or malformed."""


class SentenceTask(Task):
    """A task on sentence embeddings, evaluated for every pooling."""

    classifiers: ClassVar[tuple[str, ...]] = ("",)

    @abstractmethod
    def texts(self, data: Any) -> list[str]:
        """Every text that the task embeds, repetitions included."""

    @abstractmethod
    def evaluate(self, data: Any, vectors: Vectors, classifier: str) -> Outcome:
        """Per-item results with embeddings of one pooling."""
