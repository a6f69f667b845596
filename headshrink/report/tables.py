"""The report's tables: measures down, models across, and how student and pruned-only model stand to the teacher."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from headshrink.report.results import MODELS, TASKS, Results

NONE = "–"


@dataclass(frozen=True)
class Measure:
    """One row: a key of quality.json or cost.json, and how it is shown."""

    key: str
    title: str
    scale: float = 1.0
    digits: int = 3
    note: str = ""

    def show(self, value: float | None) -> str:
        return NONE if value is None else f"{value * self.scale:,.{self.digits}f}"


Relation = Callable[[float | None, float | None, Measure], str]  # (value, teacher's value, measure) -> text
MEANS = [Measure("mean_s", "Mean S"), Measure("mean_sw", "Mean S+W")]
COSTS = [
    Measure("parameters", "Parameters, M", 1e-6, 2),
    Measure("embedding_parameters", "Embeddings, M", 1e-6, 2, "part of the parameters"),
    Measure("weights_mb", "Weights, MB", 1, 1),
    Measure("flops_g_32tokens", "FLOPs, G", 1, 3, "a sentence of 32 tokens"),
    Measure("latency_ms_b1", "Latency, ms", 1, 2, "batch 1, 32 tokens, 1 thread"),
    Measure("latency_p95_ms_b1", "Latency p95, ms", 1, 2, "batch 1, 32 tokens, 1 thread"),
    Measure("throughput_b32_per_s", "Throughput, 1/s", 1, 0, "batch 32, 32 tokens, all threads"),
    Measure("speed_task_ms", "Speed task, ms", 1, 2, "encodechka's: one text, tokenisation in it"),
    Measure("load_s", "Load, s", 1, 2),
    Measure("model_memory_mb", "Peak memory, MB", 1, 0, "beyond the libraries; batch 32, 128 tokens"),
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
    return [*means, *(Measure(task, task.upper(), note=TASKS[task]) for task in results.tasks)]


def own_pooling_table(results: Results) -> Table:
    """The same scores at each model's own pooling, which no test score has chosen."""
    own = {
        model: {key.removeprefix("own_"): value for key, value in scores.items() if key.startswith("own_")}
        for model, scores in results.quality.items()
    }
    rows = [row(own, measure, results.models, difference) for measure in quality_measures(results)]
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
    relations = [f"{MODELS[model]} {sign} teacher" for model in models if model != "teacher"]
    return ["", *(MODELS[model] for model in models), *relations]


def row(figures: dict[str, dict[str, float]], measure: Measure, models: Sequence[str], relate: Relation) -> Row:
    values = {model: figures.get(model, {}).get(measure.key) for model in models}
    cells = [measure.show(values[model]) for model in models]
    others = [values[model] for model in models if model != "teacher"]
    relations = [relate(value, values.get("teacher"), measure) for value in others]
    return Row(measure.title, cells, relations, measure.note, emphasis=measure in MEANS)


def difference(value: float | None, teacher: float | None, measure: Measure) -> str:
    if value is None or teacher is None:
        return NONE
    return signed((value - teacher) * measure.scale, measure.digits)


def signed(value: float, digits: int) -> str:
    return f"{value:+.{digits}f}".replace("-", "−")


def ratio(value: float | None, teacher: float | None, measure: Measure) -> str:
    return NONE if value is None or not teacher else f"{value / teacher:.2f}×"


def headline(results: Results) -> str:
    """The result in one sentence: what the student keeps of the teacher and what it costs."""
    teacher, student = results.overall("teacher"), results.overall("student")
    costs = {"parameters": "parameters", "weights_mb": "bytes", "latency_ms_b1": "latency at batch 1"}
    ours, theirs = results.cost["student"], results.cost["teacher"]
    shares = [f"{ours[key] / theirs[key]:.2f} of its {name}" for key, name in costs.items()]
    kept = f"{student / teacher:.1%} of the teacher's {results.overall_title} ({student:.3f} v {teacher:.3f})"
    return f"The student keeps {kept} with {in_words(shares)}.{recovery(results)}"


def recovery(results: Results) -> str:
    """What distillation brought back of what pruning alone had lost; nothing where pruning lost nothing."""
    teacher, pruned, student = (results.overall(model) for model in ("teacher", "pruned", "student"))
    if pruned >= teacher:
        return f" Pruning alone left {pruned:.3f}."
    share = (student - pruned) / (teacher - pruned)
    change = f"{signed(student - pruned, 3)}, {share:.0%} of what was lost"
    return f" Pruning alone left {pruned:.3f}; distillation changed that by {change}."


def in_words(parts: Sequence[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"


def corpus_table(results: Results) -> Table:
    """Pairs read and dropped, by source and reason, and how many were kept in each split."""
    read, dropped = results.counts.get("read", {}), results.counts.get("dropped", {})
    rows = [count_row("read", read, list(read))]
    rows += [count_row(f"dropped: {reason}", by_source, list(read)) for reason, by_source in dropped.items()]
    for split in ("train", "heldout"):
        empty = [""] * len(read) if len(read) > 1 else []
        rows.append(Row(split, [*empty, f"{results.counts[split]:,}"], [], emphasis=True))
    return Table(["pairs", *read, *(["all"] if len(read) > 1 else [])], rows)


def count_row(title: str, by_source: dict[str, int], sources: Sequence[str]) -> Row:
    """Counts of each source, and their sum where there is more than one."""
    total = [f"{sum(by_source.values()):,}"] if len(sources) > 1 else []
    return Row(title, [*(f"{by_source.get(source, 0):,}" for source in sources), *total], [])
