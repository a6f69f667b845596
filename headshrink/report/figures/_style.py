"""How every figure looks and is saved: print size, one typeface, provenance at the foot, the same bytes always."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from headshrink.report.results import Results

WIDTH_INCHES = 7.0  # the text block of a two-column paper
PIXELS_PER_INCH = 200
INK, FAINT, RULE = "#22262c", "#6b7280", "#d9dce1"
MARKERS = {"teacher": "o", "pruned": "s", "student": "D"}  # models differ by shape too: colour alone is not read by all
HATCHES = {"teacher": "", "pruned": "////", "student": ""}
STYLE: dict[Any, Any] = {
    "font.family": "DejaVu Sans",  # comes with matplotlib, holds Cyrillic: the same picture on every machine
    "font.size": 8,
    "figure.constrained_layout.wspace": 0.06,
    "axes.titlesize": 9,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.edgecolor": FAINT,
    "axes.labelcolor": INK,
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "axes.grid": False,
    "grid.color": RULE,
    "grid.linewidth": 0.5,
    "hatch.linewidth": 0.6,
    "legend.frameon": False,
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
}

Colours = Mapping[str, str]


def new_figure(height_inches: float) -> Figure:
    return Figure(figsize=(WIDTH_INCHES, height_inches), layout="constrained")


def rule(axes: Axes, axis: str) -> None:
    """Faint grid lines across one axis, drawn under the marks."""
    axes.grid(True, axis=axis)  # type: ignore[arg-type]


def save(draw, results: Results, colours: Colours, path: Path) -> None:
    """Draw a figure and write it as PNG, with its provenance at the foot: a picture torn from the report keeps it.

    The bytes depend on the results alone: no date, no software version.
    """
    with matplotlib.rc_context(STYLE):
        figure = draw(results, colours)
        figure.supxlabel(provenance(results), x=0.01, ha="left", fontsize=6, color=FAINT)
        figure.savefig(path, dpi=PIXELS_PER_INCH, metadata={"Software": None}, facecolor="white")


def provenance(results: Results) -> str:
    """One or two lines: what was measured, on what, and that generated data say nothing about real text."""
    line = " · ".join(f"{name}: {value}" for name, value in results.labels.items())
    warning = f"generated {', '.join(results.generated)}: says nothing about real text"
    return f"{line}\n{warning}" if results.generated else line
