"""Training curves of the distillation."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from headshrink.report.figures._style import FAINT, MARKERS, Colours, new_figure, rule
from headshrink.report.results import MODELS, Results

TITLE = "Distillation"
CAPTION = (
    "Left: training loss (running median) and held-out loss. Right: mean cosine between student and teacher embeddings "
    "of held-out sentences, from the {start} up. The held-out loss chooses the step that becomes the student."
)
WINDOW_SHARE = 40  # the median runs over this fraction of the curve


def caption(results: Results) -> str:
    return CAPTION.format(start="pruned-only model" if results.was_cut else "untrained student")


def draw(results: Results, colours: Colours) -> Figure:
    figure = new_figure(2.6)
    left, right = figure.subplots(1, 2)
    draw_losses(left, results, colours)
    draw_cosine(right, results, colours)
    for axes in (left, right):
        mark_best(axes, results.distillation.get("best_step"))
        axes.set_xlabel("step")
        axes.set_xlim(left=0)
        rule(axes, "y")
    return figure


def draw_losses(axes: Axes, results: Results, colours: Colours) -> None:
    step, loss = measured(results, "loss")
    axes.plot(step, loss, color=colours["student"], alpha=0.25, linewidth=0.6)
    smooth = running_median(loss, max(len(loss) // WINDOW_SHARE, 1))
    axes.plot(step, smooth, color=colours["student"], linewidth=1.3, label="training")
    x, y = measured(results, "heldout_loss")
    axes.plot(x, y, MARKERS["student"] + "-", color=colours["pruned"], markersize=3.5, linewidth=1, label="held-out")
    axes.set_title("Loss")
    axes.legend()


def draw_cosine(axes: Axes, results: Results, colours: Colours) -> None:
    x, y = measured(results, "heldout_cosine")
    before = results.distillation.get("before_heldout_cosine")
    if before is not None:
        axes.axhline(before, color=colours["pruned"], linestyle="--", linewidth=1)
        axes.annotate(
            MODELS["pruned"] if results.was_cut else "before training",
            (0.5, before),
            (0, 2),
            xycoords=axes.get_yaxis_transform(),
            textcoords="offset points",
            ha="center",
            va="bottom",
            fontsize=7,
        )
    axes.plot(x, y, MARKERS["student"] + "-", color=colours["student"], markersize=3.5, linewidth=1)
    axes.set_title("Held-out cosine to the teacher")


def measured(results: Results, column: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Steps and values of a column where it has any: a held-out one is filled at evaluations only."""
    values = results.curve[column]
    return results.curve["step"][~np.isnan(values)], values[~np.isnan(values)]


def running_median(values: NDArray[np.float64], window: int) -> NDArray[np.float64]:
    """Median of the `window` values before and after each one; batches differ too much for the raw loss to be read."""
    return np.array([np.median(values[max(i - window, 0) : i + window + 1]) for i in range(len(values))])


def mark_best(axes: Axes, step: int | None) -> None:
    if step is not None:
        axes.axvline(step, color=FAINT, linestyle=":", linewidth=1)
        axes.annotate(
            "chosen",
            (step, 1),
            (0, 2),
            xycoords=axes.get_xaxis_transform(),
            textcoords="offset points",
            ha="center",
            va="bottom",
            fontsize=7,
            color=FAINT,
        )
