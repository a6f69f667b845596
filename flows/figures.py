"""The figures of a result: the few that tell one run from another, and all of them as a table. One place chooses them.

MLflow sorts names by the alphabet wherever it shows any: the first name is the one that its compare view plots. So what
matters most is `student.mean_s`, and nothing sorts before it.
"""

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

BENCHMARK = Path("artifacts/benchmark")
TRAINING = Path("artifacts/student/metrics.json")
SCORES = BENCHMARK / "scores.json"
SENTENCE_TASKS = ("sts", "pi", "nli", "sa", "ti", "ia", "ic", "icx")  # encodechka's mean S is over these
MODELS = ("teacher", "pruned", "student", "static")
TIME = "time_ratio_b1_32tokens_1thread"


@dataclass(frozen=True)
class Figure:
    """A headline: its name in MLflow, and where it stands in quality.json or cost.json."""

    name: str
    model: str
    key: str


@dataclass(frozen=True)
class Shown:
    """A row of the table that a result is shown by: its label with unit, its key, and how it is written."""

    label: str
    key: str
    scale: float = 1.0
    digits: int = 3
    ratio: str = ""  # the figure is this ratio to the teacher, which has its interval beside it


HEADLINES = (
    Figure("student.mean_s", "student", "mean_s"),
    Figure("student.mean_s_before_training", "pruned", "mean_s"),
    Figure("student.mean_s_lower_95", "student", "mean_s_lower_95"),  # of the difference to the teacher
    Figure("student.mean_sw", "student", "mean_sw"),
    Figure("student.parameters", "student", "parameters"),
    Figure("student.teacher_cosine", "student", "teacher_cosine"),
    Figure("student.throughput_b32_per_s", "student", "throughput_b32_per_s"),
    Figure("student.time_ms_b1", "student", "latency_ms_b1"),
    Figure("student.time_ratio_b1", "student", "latency_ratio_b1"),
    Figure("student.time_ratio_b1_high", "student", f"{TIME}_high"),
    Figure("student.time_ratio_b1_low", "student", f"{TIME}_low"),
    Figure("student.weights_mb", "student", "weights_mb"),
    Figure("teacher.mean_s", "teacher", "mean_s"),
    Figure("teacher.mean_s_of_static_floor", "static", "mean_s"),
    Figure("teacher.mean_sw", "teacher", "mean_sw"),
    Figure("teacher.time_ms_b1", "teacher", "latency_ms_b1"),
    Figure("teacher.weights_mb", "teacher", "weights_mb"),
)
ROWS = (
    Shown("Mean S", "mean_s"),
    Shown("Mean S+W", "mean_sw"),
    Shown("Cosine to the teacher", "teacher_cosine"),
    Shown("Parameters, millions", "parameters", 1e-6, 2),
    Shown("Weights, MB", "weights_mb", 1, 1),
    Shown("Latency, ms (batch 1, 32 tokens, 1 thread)", "latency_ms_b1", 1, 2),
    Shown("Latency ÷ teacher (95% interval)", TIME, 1, 2, TIME),
    Shown("Throughput, sentences/s (batch 32)", "throughput_b32_per_s", 1, 0),
    Shown("Peak memory, MB", "peak_memory_mb", 1, 0),
)
GAP_ROW = "Share kept of the teacher's mean S above static word vectors"
SHARE = "student.share_of_gap"  # of what the teacher has above its static baseline, the share that the student keeps
HELD_OUT = ("heldout_cosine", "heldout_loss", "heldout_retrieval_at_1")  # of the checkpoint that is the student
HELD_OUT_PREFIX, CURVE_PREFIX = "training.best_", "training."
TOGETHER = {  # of a comparison's own timing, which alone compares students of several runs
    "together.time_ms_b1": "latency_ms_b1",
    "together.time_ratio_b1": "latency_ratio_b1",
    "together.time_ratio_b1_high": f"{TIME}_high",
    "together.time_ratio_b1_low": f"{TIME}_low",
}


def read(path: Path) -> dict[str, Any]:
    """A JSON object; empty where there is no file."""
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}


def measured(folder: Path) -> dict[str, dict[str, float]]:
    """All finite figures of the benchmark by model, quality before cost."""
    parts = [read(folder / BENCHMARK / name) for name in ("quality.json", "cost.json")]
    return {model: numbers([part.get(model, {}) for part in parts]) for model in MODELS if model in parts[0]}


def numbers(parts: list[dict[str, Any]]) -> dict[str, float]:
    found = {key: value for part in parts for key, value in part.items()}
    return {key: float(value) for key, value in found.items() if is_number(value) and math.isfinite(value)}


def is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def headlines(folder: Path) -> dict[str, float]:
    """MLflow's metrics of a result by name; what it does not have is left out."""
    figures = measured(folder)
    found = {
        figure.name: figures[figure.model][figure.key]
        for figure in HEADLINES
        if figure.key in figures.get(figure.model, {})
    }
    training = numbers([read(folder / TRAINING)])
    held_out = {f"{HELD_OUT_PREFIX}{key}": training[key] for key in HELD_OUT if key in training}
    return found | gap(figures) | held_out


def gap(figures: dict[str, dict[str, float]]) -> dict[str, float]:
    """The share of the gap that is kept, where all three means are known and there is a gap."""
    teacher, student, baseline = (figures.get(model, {}).get("mean_s") for model in ("teacher", "student", "static"))
    if teacher is None or student is None or baseline is None or baseline >= teacher:
        return {}
    return {SHARE: round((student - baseline) / (teacher - baseline), 4)}


def comparison(folder: Path) -> list[dict[str, str]]:
    """Rows of text: `measure`, then a column per model; a measure that no model has is left out."""
    figures = measured(folder)
    rows = []
    for row in ROWS:
        if any(row.key in found for found in figures.values()):
            rows.append({"measure": row.label} | {model: _cell(row, found) for model, found in figures.items()})
    if share := gap(figures):
        kept = {model: f"{share[SHARE]:.0%}" if model == "student" else "" for model in figures}
        rows.insert(2, {"measure": GAP_ROW} | kept)
    return rows


def _cell(row: Shown, found: dict[str, float]) -> str:
    if row.key not in found:
        return ""
    low, high = (found.get(f"{row.ratio}_{end}") for end in ("low", "high"))
    bounds = "" if low is None or high is None else f" ({low:.2f}–{high:.2f})"
    return f"{found[row.key] * row.scale:,.{row.digits}f}{bounds}"


def together(costs: dict[str, Any]) -> dict[str, float]:
    """MLflow's metrics of one model's costs in a comparison."""
    return {name: costs[key] for name, key in TOGETHER.items() if key in costs}


def all_figures(folder: Path) -> dict[str, list[Any]]:
    """Columns of a table with a row per figure of the benchmark and a column per model."""
    figures = measured(folder)
    keys = list(dict.fromkeys(key for found in figures.values() for key in found))
    return {"figure": keys} | {model: [found.get(key) for key in keys] for model, found in figures.items()}


def score_table(folder: Path) -> dict[str, list[Any]]:
    """Columns of a table with a row per model and task: score, and the interval of its difference to the teacher."""
    scores = read(folder / SCORES)
    columns: dict[str, list[Any]] = {}
    for row in _score_rows(scores.get("models", {}), scores.get("intervals", {})):
        for key, value in row.items():
            columns.setdefault(key, []).append(value)
    return columns


def _score_rows(models: dict[str, Any], intervals: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for model, facts in models.items():
        for task, found in facts["tasks"].items():
            bounds = intervals.get(model, {}).get(task, {})
            scores = {key: found[key] for key in ("score", "at", "own", "own_at")}
            shown = {key: bounds.get(key) for key in ("difference", "lower_95", "upper_95", "margin")}
            yield {"model": model, "task": task} | scores | shown
