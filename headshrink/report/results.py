"""What a report is made from: the files that the stages wrote, read once, without torch."""

import csv
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load_file

from headshrink.errors import HeadshrinkError
from headshrink.hashing import file_sha256

MODELS = {"teacher": "teacher", "pruned": "pruned only", "student": "student", "static": "static baseline"}
SENTENCE_TASKS = {
    "sts": "semantic similarity",
    "pi": "paraphrases",
    "nli": "inference",
    "sa": "sentiment",
    "ti": "toxicity",
    "ia": "inappropriateness",
    "ic": "intents",
    "icx": "intents, English to Russian",
}
TASKS = SENTENCE_TASKS | {"ne1": "named entities, news", "ne2": "named entities, reviews"}
HASHED = ("corpus/counts.json", "importance/scores.safetensors", "student/prune.json", "student/metrics.json")
OF_THE_CUT = ("importance/scores.safetensors", "student/prune.json")  # empty results where no model was cut


@dataclass(frozen=True)
class Kept:
    """What pruning left of one kind of part: the indices kept in each layer, and how many there were."""

    indices: list[list[int]]
    of: list[int]

    @property
    def counts(self) -> list[int]:
        return [len(layer) for layer in self.indices]

    @property
    def share(self) -> float:
        return sum(self.counts) / sum(self.of)


@dataclass(frozen=True)
class Results:
    """One run of the pipeline. `quality` and `cost` are flat figures by model, then by name with its unit."""

    quality: dict[str, dict[str, float]]
    cost: dict[str, dict[str, Any]]
    machine: dict[str, Any]
    measured: str  # when the timings were taken
    details: dict[str, Any]  # the benchmark's scores.json
    counts: dict[str, Any]
    suite: dict[str, Any]
    teacher: dict[str, Any]
    pruning: dict[str, Any]  # prune.json
    distillation: dict[str, Any]  # the student's metrics.json
    head_scores: NDArray[np.float32]  # [layers, heads]
    neuron_scores: NDArray[np.float32]  # [layers, neurons]
    curve: dict[str, NDArray[np.float64]]  # column -> values, NaN where a step has none
    hashes: dict[str, str]
    sentences: dict[str, Any]  # teacher and student sentence by sentence: the benchmark's sentences.json
    speed: dict[str, Any]  # teacher and student in many runtimes: speed.json

    @property
    def models(self) -> list[str]:
        """The models measured, teacher first."""
        return [name for name in MODELS if name in self.quality]

    @property
    def was_cut(self) -> bool:
        """Whether the student started from the pruned model: for other kinds there are no scores and no such model."""
        return "pruned" in self.quality

    @property
    def tasks(self) -> list[str]:
        """The tasks measured: encodechka's in its order, then others."""
        names = dict.fromkeys([*TASKS, *self.details["tasks"]])
        return [task for task in names if task in self.quality["teacher"]]

    def about(self, task: str) -> str:
        """What a task asks of a model, in some words."""
        return TASKS.get(task) or self.details["tasks"][task]["about"]

    @property
    def has_mean(self) -> bool:
        """Whether mean S stands: only where all sentence tasks were measured."""
        return set(SENTENCE_TASKS) <= set(self.tasks)

    def overall(self, model: str) -> float:
        """A model's quality in one figure: mean S, or the mean of the tasks measured where they are but some."""
        scores = self.quality[model]
        return scores["mean_s"] if self.has_mean else float(np.mean([scores[task] for task in self.tasks]))

    @property
    def overall_title(self) -> str:
        return "mean S" if self.has_mean else f"mean of {', '.join(task.upper() for task in self.tasks)}"

    @property
    def intervals(self) -> dict[str, dict[str, dict[str, float]]]:
        """By model and task: difference to the teacher, its one-sided 95% bounds, and the margin that they prove."""
        found: dict[str, dict[str, dict[str, float]]] = self.details["intervals"]
        return found

    @property
    def heads(self) -> Kept:
        return Kept(self.pruning["heads"]["kept"], self.pruning["heads"]["of"])

    @property
    def ffn(self) -> Kept:
        return Kept(self.pruning["ffn"]["kept"], self.pruning["ffn"]["of"])

    @property
    def generated(self) -> list[str]:
        """Which of teacher, corpus and suite are generated data, which says nothing about real text."""
        parts = {"teacher": self.teacher, "corpus": self.counts, "suite": self.suite}
        return [name for name, part in parts.items() if part.get("generated")]

    @property
    def labels(self) -> dict[str, str]:
        """Where the figures come from: teacher, corpus, suite, machine, threads."""
        return {
            "teacher": self.teacher["label"],
            "corpus": self.counts["label"],
            "suite": self.suite["label"],
            "machine": self.machine["cpu"],
            "threads": f"1 for latency, {self.machine['threads']} for throughput",
        }


def read_results(artifacts: Path) -> Results:
    """Read the stages' files under `artifacts`.

    Raises HeadshrinkError naming the file that is missing or cannot be read, and the stage that writes it.
    """
    quality, cost = read_json(artifacts, "benchmark/quality.json"), read_json(artifacts, "benchmark/cost.json")
    scores = read_scores(artifacts / "importance" / "scores.safetensors")
    suite, teacher = read_json(artifacts, "suite/suite.json"), read_json(artifacts, "teacher/teacher.json")
    left_out = () if "pruned" in quality else OF_THE_CUT
    hashes = {name: file_sha256(artifacts / name) for name in HASHED if name not in left_out}
    return Results(
        quality=quality,
        cost={name: cost[name] for name in MODELS if name in cost},
        machine=cost["machine"],
        measured=cost["date"],
        details=read_json(artifacts, "benchmark/scores.json"),
        counts=read_json(artifacts, "corpus/counts.json"),
        suite=suite,
        teacher=teacher,
        pruning=read_json(artifacts, "student/prune.json"),
        distillation=read_json(artifacts, "student/metrics.json"),
        head_scores=scores["heads"],
        neuron_scores=scores["ffn"],
        curve=read_curve(artifacts / "student" / "curve.csv"),
        hashes={"teacher weights": teacher["weights_sha256"]} | hashes | suite_hashes(suite),
        sentences=read_json(artifacts, "benchmark/sentences.json"),
        speed=read_json(artifacts, "speed/speed.json"),
    )


def suite_hashes(suite: dict[str, Any]) -> dict[str, str]:
    return {f"suite/{name}": value for name, value in sorted(suite.get("files", {}).items())}


def read_json(artifacts: Path, name: str) -> dict[str, Any]:
    try:
        found: dict[str, Any] = json.loads((artifacts / name).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise unreadable(artifacts / name, error) from error
    return found


def read_scores(path: Path) -> dict[str, NDArray[np.float32]]:
    try:
        return load_file(path)
    except (OSError, SafetensorError) as error:
        raise unreadable(path, error) from error


def read_curve(path: Path) -> dict[str, NDArray[np.float64]]:
    """Columns of the training curve; a cell that is empty, as held-out ones between evaluations, is NaN."""
    try:
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
    except OSError as error:
        raise unreadable(path, error) from error
    columns = rows[0].keys() if rows else ()
    return {name: np.array([float(row[name] or "nan") for row in rows]) for name in columns}


def unreadable(path: Path, error: Exception) -> HeadshrinkError:
    stage = {"suite": "corpus", "pruned": "prune", "student": "distill"}.get(path.parent.name, path.parent.name)
    reason = " ".join(str(error).split())
    return HeadshrinkError(f"the report cannot read {path} ({reason}): stage {stage} writes it")
