"""Mean S of a way of running a model: encodechka's sentence tasks at the model's own pooling."""

from collections.abc import Sequence
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from headshrink.benchmarking.evaluate import evaluate
from headshrink.benchmarking.models import OWN
from headshrink.benchmarking.read import Suite
from headshrink.benchmarking.suite import TASKS
from headshrink.benchmarking.summary import with_means
from headshrink.exporting.graph_encoder import Run
from headshrink.model import SentenceEncoder
from headshrink.padding import padded

SENTENCE_TASKS = [name for name, task in TASKS.items() if task.in_means and task.kind == "sentence"]


class Running:
    """A run as the benchmark's model: sentences alone, and one call at a time, since it need not bear two."""

    folder, sha256 = Path(), ""
    poolings: tuple[str, ...] = ()
    own = OWN
    device = ""  # whatever the run is on: nothing is cached

    def __init__(self, name: str, run: Run, encoder: SentenceEncoder) -> None:
        self.name, self.run, self.lock = name, run, Lock()
        self.tokenizer, self.longest, self.tokenise = encoder.tokenizer, encoder.max_length, encoder.tokenise

    def pooled(self, ids: Sequence[Sequence[int]]) -> dict[str, NDArray[np.float32]]:
        with self.lock:
            return {OWN: self.run(*padded(ids, self.tokenizer.pad_token_id))}


def mean_s(name: str, run: Run, encoder: SentenceEncoder, suite: Suite) -> float:
    """Mean S of a run of an encoder; HeadshrinkError for a suite that lacks a task or an embedding not finite."""
    model: Any = Running(name, run, encoder)
    results = evaluate(model, suite, SENTENCE_TASKS)
    return with_means({task: result.own_score() for task, result in results.items()})["mean_s"]
