"""The report's tables: measures down, models across, and how student and pruned-only model stand to the teacher."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from headshrink.report.results import MODELS, Results

NONE = "–"
COMPRESSED = ("pruned", "student")  # the models that stand in relation to the teacher
LATENCY = "time_ratio_b1_32tokens_1thread"  # the ratio to the teacher behind `latency_ratio_b1`
SIZES = {"parameters": "parameters", "weights_mb": "bytes"}


@dataclass(frozen=True)
class Measure:
    """One row: a key of quality.json or cost.json, and how it is shown."""

    key: str
    title: str
    scale: float = 1.0
    digits: int = 3
    note: str = ""
    paired: str = ""  # key of the ratio to the teacher that was measured round by round, where there is one

    def show(self, value: float | None) -> str:
        return NONE if value is None else f"{value * self.scale:,.{self.digits}f}"


Figures = Mapping[str, float]  # of one model
Relation = Callable[[Figures, Figures, Measure], str]  # (a model's, the teacher's, measure) -> text
MEANS = [Measure("mean_s", "Mean S"), Measure("mean_sw", "Mean S+W")]
COSTS = [
    Measure("parameters", "Parameters, M", 1e-6, 2),
    Measure("embedding_parameters", "Embeddings, M", 1e-6, 2, "part of the parameters"),
    Measure("weights_mb", "Weights, MB", 1, 1),
    Measure("flops_g_32tokens", "FLOPs, G", 1, 3, "a sentence of 32 tokens"),
    Measure("latency_ms_b1", "Latency, ms", 1, 2, "batch 1, 32 tokens, 1 thread", LATENCY),
    Measure("latency_p95_ms_b1", "Latency p95, ms", 1, 2, "batch 1, 32 tokens, 1 thread"),
    Measure("throughput_b32_per_s", "Throughput, 1/s", 1, 0, "batch 32, 32 tokens, all threads"),
    Measure("speed_task_ms", "Speed task, ms", 1, 2, "encodechka's: one text, tokenisation in it"),
    Measure("load_s", "Load, s", 1, 2),
    Measure("peak_memory_mb", "Peak memory, MB", 1, 0, "whole process; batch 32, 128 tokens"),
]
BEYOND = [
    Measure("teacher_cosine", "Cosine to the teacher", note="STS sentences, own pooling"),
    Measure("teacher_neighbours_at_10", "Neighbours shared", note="of the teacher's 10 nearest, STS sentences"),
    Measure("retrieval_en_ru_at_1", "Retrieval en–ru", note="translation is the nearest"),
    Measure("retrieval_en_ru_at_5", "Retrieval en–ru", note="among the 5 nearest"),
    Measure("retrieval_ru_en_at_1", "Retrieval ru–en", note="translation is the nearest"),
    Measure("retrieval_ru_en_at_5", "Retrieval ru–en", note="among the 5 nearest"),
    Measure("similarity", "Similarity", note="Spearman on the graded pairs given"),
]


@dataclass(frozen=True)
class Row:
    """One row of a table as text: a title, a cell a model, and each compressed model's relation to the teacher."""

    title: str
    cells: list[str]
    relations: list[str]
    note: str = ""  # what the title means, where there is room for it
    emphasis: bool = False


@dataclass(frozen=True)
class Table:
    """A table ready for Markdown, HTML or a terminal."""

    header: list[str]
    rows: list[Row]


def quality_table(results: Results) -> Table:
    """Mean S, mean S+W and every task, with differences to the teacher."""
    return Table(
        header(results.models, "−"),
        [row(results.quality, measure, results.models, difference) for measure in quality_measures(results)],
    )


def quality_measures(results: Results) -> list[Measure]:
    """The means that stand, then the tasks."""
    means = [mean for mean in MEANS if mean.key in results.quality["teacher"]]
    return [*means, *(Measure(task, task.upper(), note=results.about(task)) for task in results.tasks)]


def own_pooling_table(results: Results) -> Table:
    """The same scores at each model's own pooling, which no test score has chosen."""
    own = {
        model: {key.removeprefix("own_"): value for key, value in scores.items() if key.startswith("own_")}
        for model, scores in results.quality.items()
    }
    rows = [row(own, measure, results.models, difference) for measure in quality_measures(results)]
    return Table(header(results.models, "−"), rows)


def beyond_table(results: Results) -> Table:
    """What was measured beyond encodechka: likeness to the teacher, retrieval, similarity on pairs given."""
    known = [measure for measure in BEYOND if measure.key in results.quality["student"]]
    rows = [row(results.quality, measure, results.models, difference) for measure in known]
    return Table(header(results.models, "−"), rows)


def interval_table(results: Results) -> Table:
    """Student against teacher: difference, one-sided 95% bounds, and the margin of "no worse" that they prove."""
    items = {task: f"{facts['test_items']:,}" for task, facts in results.details["tasks"].items()}
    rows = [
        Row(
            measure.title,
            [items.get(measure.key, ""), *bounds(results.intervals["student"][measure.key])],
            [],
            measure.note,
            emphasis=measure in MEANS,
        )
        for measure in quality_measures(results)
    ]
    return Table(
        ["", "test items", "student − teacher", "95% lower bound", "95% upper bound", "no worse by more than"], rows
    )


def bounds(interval: dict[str, float]) -> list[str]:
    return [*(signed(interval[key], 3) for key in ("difference", "lower_95", "upper_95")), f"{interval['margin']:.3f}"]


def cost_table(results: Results) -> Table:
    """Size and speed, with ratios to the teacher measured in the same run."""
    return Table(header(results.models, "÷"), [row(results.cost, measure, results.models, ratio) for measure in COSTS])


def header(models: Sequence[str], sign: str) -> list[str]:
    relations = [f"{MODELS[model]} {sign} teacher" for model in models if model in COMPRESSED]
    return ["", *(MODELS[model] for model in models), *relations]


def row(figures: Mapping[str, Figures], measure: Measure, models: Sequence[str], relate: Relation) -> Row:
    cells = [measure.show(figures[model].get(measure.key)) for model in models]
    relations = [relate(figures[model], figures["teacher"], measure) for model in models if model in COMPRESSED]
    return Row(measure.title, cells, relations, measure.note, emphasis=measure in MEANS)


def difference(model: Figures, teacher: Figures, measure: Measure) -> str:
    if measure.key not in model or measure.key not in teacher:
        return NONE
    return signed((model[measure.key] - teacher[measure.key]) * measure.scale, measure.digits)


def signed(value: float, digits: int) -> str:
    text = f"{value:+.{digits}f}"
    return text.replace("-", "−") if float(text) else text[1:]  # no sign where nothing is left to show


def ratio(model: Figures, teacher: Figures, measure: Measure) -> str:
    """The ratio to the teacher; of times, the median over rounds with its 95% interval, for the machine drifts."""
    if measure.paired in model:
        return f"{model[measure.paired]:.2f}×{interval(model, measure.paired)}"
    if measure.key not in model or not teacher.get(measure.key):
        return NONE
    return f"{model[measure.key] / teacher[measure.key]:.2f}×"


def interval(model: Mapping[str, Any], key: str) -> str:
    """The 95% interval of a ratio of times as ` (low–high)`; nothing where it was not measured."""
    low, high = model.get(f"{key}_low"), model.get(f"{key}_high")
    return "" if low is None or high is None else f" ({low:.2f}–{high:.2f})"


def headline(results: Results) -> str:
    """The result in one sentence: what the student keeps of the teacher and what it costs."""
    teacher, student = results.overall("teacher"), results.overall("student")
    ours, theirs = results.cost["student"], results.cost["teacher"]
    shares = [f"{ours[key] / theirs[key]:.2f} of its {name}" for key, name in SIZES.items()]
    shares.append(f"{ours['latency_ratio_b1']:.2f}{interval(ours, LATENCY)} of its latency at batch 1")
    kept = f"{student / teacher:.1%} of the teacher's {results.overall_title} ({student:.3f} v {teacher:.3f})"
    return f"The student keeps {kept} with {in_words(shares)}.{recovery(results)}{above_static_baseline(results)}"


def recovery(results: Results) -> str:
    """What distillation brought back of what pruning alone had lost; nothing where no model was cut."""
    if not results.was_cut:
        return ""
    teacher, pruned, student = (results.overall(model) for model in ("teacher", "pruned", "student"))
    if pruned >= teacher:
        return f" Pruning alone left {pruned:.3f}."
    share = (student - pruned) / (teacher - pruned)
    regained = f"{share:.0%}" if share <= 1 else "more than all"
    change = f"{signed(student - pruned, 3)}, {regained} of what was lost"
    return f" Pruning alone left {pruned:.3f}; distillation changed that by {change}."


def above_static_baseline(results: Results) -> str:
    """The share of (teacher - static baseline) that the student keeps; none where it is not below the teacher.

    A percentage of the teacher's score flatters: word vectors alone keep most of it.
    """
    if "static" not in results.models:
        return ""
    teacher, student, baseline = (results.overall(model) for model in ("teacher", "student", "static"))
    if baseline >= teacher:
        return f" Word vectors alone give {baseline:.3f}."
    kept = (student - baseline) / (teacher - baseline)
    return f" Word vectors alone give {baseline:.3f}: of what the teacher has above them the student keeps {kept:.0%}."


def in_words(parts: Sequence[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"


def corpus_table(results: Results) -> Table:
    """Pairs read and dropped, a row a source, a column a reason."""
    counts: dict[str, dict[str, int]] = {"read": results.counts["read"], **results.counts["dropped"]}
    sources = list(results.counts["read"])
    rows = [Row(source, [f"{by_source.get(source, 0):,}" for by_source in counts.values()], []) for source in sources]
    if len(sources) > 1:
        rows.append(Row("all", [f"{sum(by_source.values()):,}" for by_source in counts.values()], [], emphasis=True))
    reasons = [f"dropped: {reason.replace('_', ' ')}" for reason in results.counts["dropped"]]
    return Table(["source", "read", *reasons], rows)
