"""Compare students of several prune ratios: `python -m headshrink.report.ratios RESULTS.json FOLDER`.

RESULTS.json is a list of objects, one a model, the teacher among them with ratio 0: `ratio`, and the figures of
quality.json and cost.json by their own names (COLUMNS; all models timed in one run), of the pruned-only model
`pruned_mean_s` where it is known, and `labels` (teacher, corpus, suite, machine, ...) and `generated` of the run.
"""

import json
import sys
from functools import partial
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from headshrink.errors import HeadshrinkError, ends_in_one_line
from headshrink.output import new_file, write_text
from headshrink.report.figures._style import MARKERS, Colours, new_figure, provenance, rule, save
from headshrink.report.render import markdown_table, render
from headshrink.report.results import MODELS
from headshrink.report.tables import LATENCY, Measure, Row, Table, interval

COLUMNS = [
    Measure("mean_s", "mean S"),
    Measure("mean_sw", "mean S+W"),
    Measure("pruned_mean_s", "mean S, pruned only"),
    Measure("parameters", "parameters, M", 1e-6, 2),
    Measure("weights_mb", "MB", 1, 1),
    Measure("latency_ms_b1", "latency, ms", 1, 2),
    Measure("latency_ratio_b1", "latency ÷ teacher", 1, 2, paired=LATENCY),
    Measure("throughput_b32_per_s", "sentences/s, batch 32", 1, 0),
]
NEEDED = ("ratio", "mean_s", "weights_mb", "latency_ratio_b1")
PANELS = {"mean_s": "mean S", "weights_mb": "weights, MB", "latency_ratio_b1": "latency ÷ teacher"}
DIGITS = {"mean_s": 3, "pruned_mean_s": 3, "weights_mb": 0, "latency_ratio_b1": 2}
COLOURS = {"pruned": "#d08770", "student": "#2e7d6b"}

Result = dict[str, Any]


def read_results(path: Path) -> list[Result]:
    """The results by rising ratio; HeadshrinkError for a file that is no such list."""
    try:
        results = json.loads(path.read_text(encoding="utf-8"))
        missing = {key for result in results for key in NEEDED if result.get(key) is None}
    except (OSError, ValueError, AttributeError, TypeError) as error:
        raise HeadshrinkError(f"cannot read {path} ({error}): a JSON list of results is needed") from error
    if missing or not results:
        raise HeadshrinkError(f"{path} lacks {', '.join(sorted(missing)) or 'results'}: each needs {', '.join(NEEDED)}")
    return sorted(results, key=lambda result: result["ratio"])


def write_ratios(results: list[Result], folder: Path) -> None:
    """Write ratios.md and ratios.png into a folder; the same results give the same bytes."""
    labels, generated = results[0].get("labels", {}), results[0].get("generated", [])
    with new_file(folder / "ratios.png") as picture:
        save(partial(draw, results, COLOURS), provenance(labels, generated), picture)
    context = {"table": markdown_table(ratio_table(results)), "labels": labels, "generated": generated}
    write_text(folder / "ratios.md", render("ratios.md", context))


def ratio_table(results: list[Result]) -> Table:
    """A row a ratio; columns that no result has are left out."""
    columns = [column for column in COLUMNS if any(result.get(column.key) is not None for result in results)]
    rows = [Row(title(result["ratio"]), [cell(result, column) for column in columns], []) for result in results]
    return Table(["ratio cut", *(column.title for column in columns)], rows)


def cell(result: Result, column: Measure) -> str:
    """A figure, and the 95% interval of a ratio of times."""
    return column.show(result.get(column.key)) + interval(result, column.paired)


def title(ratio: float) -> str:
    return "0 (teacher)" if ratio == 0 else f"{ratio:g}"


def draw(results: list[Result], colours: Colours) -> Figure:
    """Quality, size and latency against the ratio cut."""
    figure = new_figure(2.5)
    for axes, (key, label) in zip(figure.subplots(1, len(PANELS)), PANELS.items(), strict=True):
        line(axes, results, key, "student", colours)
        axes.set(title=label, xlabel="share of heads and FFN cut", xticks=[result["ratio"] for result in results])
        axes.xaxis.set_major_formatter("{x:g}")
        rule(axes, "y")
        if key == "mean_s":
            line(
                axes, [result for result in results if result.get("pruned_mean_s")], "pruned_mean_s", "pruned", colours
            )
            axes.margins(y=0.2)
            axes.legend(loc="lower left", fontsize=7)
        else:
            axes.set_ylim(0, 1.15 * max(result[key] for result in results))
        axes.margins(x=0.12)
    return figure


def line(axes: Axes, results: list[Result], key: str, model: str, colours: Colours) -> None:
    """One model's figures with their values, the student's above its line and the pruned-only model's below."""
    x, y = [result["ratio"] for result in results], [result[key] for result in results]
    axes.plot(x, y, f"{MARKERS[model]}-", color=colours[model], markersize=5, linewidth=1.2, label=MODELS[model])
    offset, va = ((0, 5), "bottom") if model == "student" else ((0, -5), "top")
    for point in zip(x, y, strict=True):
        label = f"{point[1]:.{DIGITS[key]}f}"
        axes.annotate(label, point, offset, textcoords="offset points", ha="center", va=va, fontsize=6.5)


def main(arguments: list[str]) -> int:
    if len(arguments) != 2:
        print("usage: python -m headshrink.report.ratios RESULTS.json FOLDER", file=sys.stderr)
        return 2
    with ends_in_one_line():
        write_ratios(read_results(Path(arguments[0])), Path(arguments[1]))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
