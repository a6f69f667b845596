"""How every figure looks and is saved: print size, one typeface, provenance at the foot, the same bytes always."""

import textwrap
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from headshrink.escape import visible

WIDTH_INCHES = 7.0  # the text block of a two-column paper
PIXELS_PER_INCH = 200
FOOT_CHARACTERS = 145  # that fit the width
INK, FAINT, RULE = "#22262c", "#6b7280", "#d9dce1"
MARKERS = {
    "teacher": "o",
    "pruned": "s",
    "student": "D",
    "static": "^",
}  # models differ by shape too: colour alone is not read by all
HATCHES = {"teacher": "", "pruned": "////", "student": "", "static": "...."}
STYLE: dict[Any, Any] = {
    "text.parse_math": False,  # labels come from data: a `$` in one is a dollar, no formula
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


def save(draw: Callable[[], Figure], foot: str, path: Path) -> None:
    """Draw a figure and write it as PNG, with its provenance at the foot: a picture torn from the report keeps it.

    The bytes depend on what is drawn alone: no date, no software version.
    """
    with matplotlib.rc_context(STYLE):
        figure = draw()
        figure.supxlabel(foot, x=0.01, ha="left", fontsize=6, color=FAINT)
        figure.savefig(path, dpi=PIXELS_PER_INCH, metadata={"Software": None}, facecolor="white")


def provenance(labels: Mapping[str, str], generated: Sequence[str]) -> str:
    """The lines at a figure's foot: what was measured, on what, and that generated data say nothing about real text."""
    text = visible(" · ".join(f"{name}: {value}" for name, value in labels.items()))
    lines = textwrap.wrap(text, FOOT_CHARACTERS)
    if generated:
        lines.append(visible(f"generated {', '.join(generated)}: says nothing about real text"))
    return "\n".join(lines)
