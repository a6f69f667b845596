"""The report's tables: measures down, models across, and how student and pruned-only model stand to the teacher."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from headshrink.report.results import MODELS, Results

NONE = "–"
TASKS = {
    "sts": "semantic similarity",
    "pi": "paraphrases",
    "nli": "inference",
    "sa": "sentiment",
    "ti": "toxicity",
    "ia": "inappropriateness",
    "ic": "intents",
    "icx": "intents, English to Russian",
    "ne1": "named entities, news",
    "ne2": "named entities, reviews",
}
WORD_TASKS = ("ne1", "ne2")


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
    Measure("flops_g_b1_32_tokens", "FLOPs, G", 1, 3, "a sentence of 32 tokens"),
    Measure("latency_ms_b1", "Latency, ms", 1, 2, "batch 1, median"),
    Measure("latency_p95_ms_b1", "Latency p95, ms", 1, 2, "batch 1"),
    Measure("throughput_b32_per_s", "Throughput, 1/s", 1, 0, "sentences, batch 32"),
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
    names = [task for task in TASKS if any(task in results.quality[model] for model in results.models)]
    measures = [*MEANS, *(Measure(task, task.upper(), note=TASKS[task]) for task in names)]
    rows = [row(results.quality, measure, results.models, difference) for measure in measures]
    return Table(header(results.models, "−"), rows)


def cost_table(results: Results) -> Table:
    """Size and speed, with ratios to the teacher measured in the same run."""
    known = [m for m in COSTS if any(m.key in results.cost.get(model, {}) for model in results.models)]
    return Table(header(results.models, "÷"), [row(results.cost, measure, results.models, ratio) for measure in known])


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
    return f"{(value - teacher) * measure.scale:+.{measure.digits}f}".replace("-", "−")


def ratio(value: float | None, teacher: float | None, measure: Measure) -> str:
    return NONE if value is None or not teacher else f"{value / teacher:.2f}×"


def headline(results: Results) -> str:
    """The result in one sentence: what the student keeps of the teacher and what it costs."""
    teacher, student = results.quality["teacher"].get("mean_s"), results.quality["student"].get("mean_s")
    if not teacher or student is None:
        return "Some tasks only were measured, so there is no mean."
    costs = {"parameters": "parameters", "weights_mb": "bytes", "latency_ms_b1": "latency at batch 1"}
    ours, theirs = results.cost["student"], results.cost["teacher"]
    shares = [f"{ours[key] / theirs[key]:.2f} of its {name}" for key, name in costs.items() if key in ours]
    kept = f"{student / teacher:.1%} of the teacher's mean S ({student:.3f} v {teacher:.3f})"
    return f"The student keeps {kept} with {in_words(shares)}.{recovery(results)}"


def recovery(results: Results) -> str:
    """What distillation brought back of what pruning alone had lost; nothing where pruning lost nothing."""
    teacher, pruned, student = (results.quality[model].get("mean_s") for model in ("teacher", "pruned", "student"))
    if teacher is None or pruned is None or student is None:
        return ""
    if pruned >= teacher:
        return f" Pruning alone left {pruned:.3f}."
    change = difference(student, pruned, MEANS[0])
    share = (student - pruned) / (teacher - pruned)
    return f" Pruning alone left {pruned:.3f}; distillation changed that by {change}, {share:.0%} of what was lost."


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
