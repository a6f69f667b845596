"""`headshrink benchmark`: any models side by side on encodechka's tasks, without the pipeline."""

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from headshrink import api
from headshrink.benchmarking import cost
from headshrink.benchmarking.models import Model, find_folder, open_model
from headshrink.benchmarking.read import open_suite, read_sample
from headshrink.benchmarking.run import Report
from headshrink.errors import HeadshrinkError
from headshrink.escape import markdown
from headshrink.output import check_file, write_text
from headshrink.parameters.benchmark import BenchmarkParams
from headshrink.progress import on_terminal

CACHE = Path(os.environ.get("XDG_CACHE_HOME", "~/.cache")).expanduser() / "headshrink" / "benchmark"
BEYOND = ("retrieval", "similarity", "teacher")  # what the figures beyond encodechka begin with
COSTS = {
    "parameters": "parameters",
    "weights_mb": "weights, MB",
    "latency_ms_b1": "latency, ms (1 thread)",
    "time_ratio_b1_32tokens_1thread": "latency, ratio (95% interval)",
    "throughput_b32_per_s": "texts/s (batches of 32)",
}


def main(
    models: Annotated[list[str], typer.Argument(help="model folder, ONNX folder or hub id; NAME=... names it")],
    suite: Annotated[Path, typer.Option(help="folder with encodechka's data files")],
    benchmark: BenchmarkParams,
    out: Annotated[Path | None, typer.Option(help="write everything found to this JSON file")] = None,
    markdown: Annotated[Path | None, typer.Option(help="write the tables to this Markdown file")] = None,
    sentences: Annotated[Path | None, typer.Option(help="write the comparison by sentences to this JSON")] = None,
    timing: Annotated[bool, typer.Option(help="measure time and memory too")] = True,
    device: Annotated[str, typer.Option(help="cpu, or a GPU as torch names it")] = "cpu",
    cache: Annotated[Path, typer.Option(help="folder of results that need not be computed again")] = CACHE,
) -> None:
    """Score models on encodechka; the first one is the reference of differences, intervals and ratios."""
    for path in (out, markdown, sentences):
        check_file(path)
    opened, data = open_models(models, device), open_suite(suite)
    report = api.benchmark(opened, data, cache=cache, **benchmark.model_dump())
    sample, limits = read_sample(data), (benchmark.repeats, benchmark.limit_s)
    costs = cost.measure(opened, next(iter(opened)), sample, *limits) if timing else {}
    tables = [quality_table(report, data.label), *([cost_table(costs, list(opened))] if costs else [])]
    for table in tables:
        Console().print(table.on_screen())
    if markdown:
        write_text(markdown, "\n".join(table.as_markdown() for table in tables))
    write_json(out, {"quality": report.quality, "scores": report.details, "cost": costs})
    write_json(sentences, report.sentences)


def open_models(sources: list[str], device: str) -> dict[str, Model]:
    """Models by name: the one given as NAME=..., else the last part of the path or id."""
    opened: dict[str, Model] = {}
    for source in sources:
        name, place = name_and_place(source)
        if name in opened:
            raise HeadshrinkError(f"two models are called {name}: name them apart, as in first={place}")
        opened[name] = open_model(find_folder(place), name, device)
    return opened


def name_and_place(source: str) -> tuple[str, str]:
    """Name and place of a model given as NAME=PLACE, or as PLACE alone, which is named after its last part.

    A folder that exists and a source with a slash before the first "=" are places: no name has a slash.
    """
    name, found, place = source.partition("=")
    if Path(source).is_dir():
        return Path(os.path.abspath(source)).name, source
    if found and "/" not in name:
        return name, place
    return Path(source.partition("@")[0]).name, source


@dataclass(frozen=True)
class ModelTable:
    """A table as text: a row a measure, a column a model."""

    title: str
    models: list[str]
    rows: list[list[str]]

    def on_screen(self) -> Table:
        table = Table(title=on_terminal(self.title))
        for column in ("", *self.models):
            table.add_column(on_terminal(column), justify="right" if column else "left")
        for row in self.rows:
            table.add_row(*map(on_terminal, row))
        return table

    def as_markdown(self) -> str:
        models, rows = map(markdown, self.models), [map(markdown, row) for row in self.rows]
        lines = [["", *models], [":--", *("--:" for _ in self.models)], *rows]
        return "\n".join([markdown(self.title), "", *(f"| {' | '.join(line)} |" for line in lines), ""])


def quality_table(report: Report, suite: str) -> ModelTable:
    """Scores; a difference stands with its one-sided 95% lower bound."""
    reference = report.details["reference"]
    title = f"{suite}: maximum over poolings (at the model's own); difference from {reference}, its lower 95% bound"
    first = report.quality[reference]
    rows = [
        [name.upper(), *(quality_cell(report, model, name) for model in report.quality)]
        for name in first
        if f"own_{name}" in first
    ]
    for name in dict.fromkeys(key for figures in report.quality.values() for key in figures if key.startswith(BEYOND)):
        rows.append([name, *(f"{figures[name]:.4f}" if name in figures else "" for figures in report.quality.values())])
    return ModelTable(title, list(report.quality), rows)


def quality_cell(report: Report, model: str, row: str) -> str:
    figures = report.quality[model]
    cell = f"{figures[row]:.4f} ({figures[f'own_{row}']:.4f})"
    if model == report.details["reference"]:
        return cell
    interval = report.details["intervals"][model][row]
    return f"{cell}  {interval['difference']:+.4f}, {interval['lower_95']:+.4f}"


def cost_table(costs: dict[str, Any], models: list[str]) -> ModelTable:
    """What the models cost."""
    place = costs["machine"]
    title = f"{place['cpu']}, {place['cores']} cores, {place['instruction_set']}, {costs['date']}"
    rows = [[name, *(cost_cell(costs[model], key) for model in models)] for key, name in COSTS.items()]
    return ModelTable(title, models, rows)


def cost_cell(figures: dict[str, float], key: str) -> str:
    """A figure; a ratio with the 95% interval that its rounds give."""
    if key not in figures:
        return ""
    cell = f"{figures[key]:,.4g}" if figures[key] < 1e4 else f"{figures[key]:,.0f}"
    return f"{cell} ({figures[f'{key}_low']:.3g}–{figures[f'{key}_high']:.3g})" if f"{key}_low" in figures else cell


def write_json(path: Path | None, content: Any) -> None:
    if path:
        write_text(path, json.dumps(content, indent=1, ensure_ascii=False) + "\n")
