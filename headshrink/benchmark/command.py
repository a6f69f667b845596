"""`headshrink benchmark`: any models side by side on encodechka's tasks, without the pipeline."""

import json
import os
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from headshrink.benchmark import cost
from headshrink.benchmark.cache import ResultCache
from headshrink.benchmark.models import Model, find_folder, open_model
from headshrink.benchmark.read import open_suite, read_sample
from headshrink.benchmark.run import Report, run
from headshrink.benchmark.suite import TASKS
from headshrink.errors import HeadshrinkError

CACHE = Path(os.environ.get("XDG_CACHE_HOME", "~/.cache")).expanduser() / "headshrink" / "benchmark"
BEYOND = ("retrieval", "similarity", "teacher")  # what the figures beyond encodechka begin with
COSTS = {
    "parameters": "parameters",
    "weights_mb": "weights, MB",
    "latency_ms_b1": "latency, ms (1 thread)",
    "latency_ratio_b1": "latency, ratio",
    "throughput_b32_per_s": "texts/s (batches of 32)",
}


def main(
    models: Annotated[list[str], typer.Argument(help="model folder, ONNX folder or hub id; NAME=... names it")],
    suite: Annotated[Path, typer.Option(help="folder with encodechka's data files")],
    tasks: Annotated[str, typer.Option(help=f"comma-separated, of {', '.join(TASKS)}")] = ",".join(TASKS),
    output: Annotated[Path | None, typer.Option(help="write everything found to this JSON file")] = None,
    sentences: Annotated[Path | None, typer.Option(help="write the comparison by sentences to this JSON")] = None,
    pairs: Annotated[Path | None, typer.Option(help="retrieval: English, tab, Russian; a pair a line")] = None,
    graded: Annotated[Path | None, typer.Option(help="similarity: CSV of sentence1,sentence2,similarity_score")] = None,
    timing: Annotated[bool, typer.Option(help="measure time and memory too")] = True,
    limit_s: Annotated[float, typer.Option(help="seconds after which a timing ends", min=0.1)] = 10.0,
    batch_size: Annotated[int, typer.Option(help="texts a batch; scores do not depend on it", min=1)] = 64,
    device: Annotated[str, typer.Option(help="cpu, or a GPU as torch names it")] = "cpu",
    cache: Annotated[Path, typer.Option(help="folder of results that need not be computed again")] = CACHE,
) -> None:
    """Score models on encodechka; the first one is the reference of differences, intervals and ratios."""
    chosen, opened = parse_tasks(tasks), open_models(models, device)
    data = open_suite(suite)
    report = run(opened, data, chosen, batch_size, ResultCache(cache), pairs, graded)
    costs = cost.measure(opened, next(iter(opened)), read_sample(data), limit_s=limit_s) if timing else {}
    Console().print(quality_table(report, data.label))
    if costs:
        Console().print(cost_table(costs, list(opened)))
    write_json(output, {"quality": report.quality, "scores": report.details, "cost": costs})
    write_json(sentences, report.sentences)


def parse_tasks(text: str) -> list[str]:
    """Task names from a comma-separated list in either case, in the suite's order."""
    names = {name.strip().lower() for name in text.split(",")}
    if unknown := sorted(names - set(TASKS)):
        raise HeadshrinkError(f"--tasks {', '.join(unknown)}: allowed are {', '.join(TASKS)}")
    return [name for name in TASKS if name in names]


def open_models(sources: list[str], device: str) -> dict[str, Model]:
    """Models by name: the one given as NAME=..., else the last part of the path or id."""
    opened: dict[str, Model] = {}
    for source in sources:
        name, found, place = source.partition("=")
        if not found:
            name, place = Path(source.partition("@")[0]).name, source
        if name in opened:
            raise HeadshrinkError(f"two models are called {name}: name them apart, as in first={place}")
        opened[name] = open_model(find_folder(place), name, device)
    return opened


def quality_table(report: Report, suite: str) -> Table:
    """Scores a row a task, a column a model; a difference stands with its one-sided 95% lower bound."""
    table = Table(title=f"{suite}: maximum over poolings (at the model's own); difference, its lower 95% bound")
    for column in ("", *report.quality):
        table.add_column(column, justify="right" if column else "left")
    first = report.quality[report.details["reference"]]
    for row in (name for name in first if f"own_{name}" in first):
        table.add_row(row.upper(), *(quality_cell(report, name, row) for name in report.quality))
    for row in dict.fromkeys(key for figures in report.quality.values() for key in figures if key.startswith(BEYOND)):
        table.add_row(row, *(f"{figures[row]:.4f}" if row in figures else "" for figures in report.quality.values()))
    return table


def quality_cell(report: Report, model: str, row: str) -> str:
    figures = report.quality[model]
    cell = f"{figures[row]:.4f} ({figures[f'own_{row}']:.4f})"
    if model == report.details["reference"]:
        return cell
    interval = report.details["intervals"][model][row]
    return f"{cell}  {interval['difference']:+.4f}, {interval['lower_95']:+.4f}"


def cost_table(costs: dict[str, Any], models: list[str]) -> Table:
    """What the models cost, a row a figure."""
    place = costs["machine"]
    table = Table(title=f"{place['cpu']}, {place['cores']} cores, {place['instruction_set']}, {costs['date']}")
    for column in ("", *models):
        table.add_column(column, justify="right" if column else "left")
    for key, title in COSTS.items():
        table.add_row(title, *(f"{costs[name][key]:,.10g}" if key in costs[name] else "" for name in models))
    return table


def write_json(path: Path | None, content: Any) -> None:
    if path:
        path.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
