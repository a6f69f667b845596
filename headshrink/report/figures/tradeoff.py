"""Quality against what it costs: size on disk and latency, with the Pareto front."""

from collections.abc import Mapping, Sequence
from itertools import pairwise

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullLocator

from headshrink.report.figures._style import FAINT, MARKERS, RULE, Colours, new_figure, rule
from headshrink.report.published import PUBLISHED
from headshrink.report.results import MODELS, Results

TITLE = "Quality against size and latency"
CAPTION = (
    "Mean S against weights on disk and against CPU latency (one sentence of 32 tokens, one thread), all models timed "
    "alternating in one run. Up and left is better; {arrows}. The shaded steps are the "
    "Pareto front: below and right of them, one of the models measured is both better and cheaper. Hollow marks, "
    "where there are any, are published figures; size alone, as their latencies are of other machines."
)
COSTS = {"weights_mb": "weights, MB", "latency_ms_b1": "latency, ms"}
LABELS = {  # offset in points, alignment
    "teacher": ((9, 0), "left", "center"),
    "pruned": ((0, -8), "center", "top"),
    "student": ((-9, 0), "right", "center"),
    "static": ((8, 0), "left", "center"),
}
PUBLISHED_LABELS = {  # short name, offset in points, alignment
    "cointegrated/LaBSE-en-ru": ("LaBSE-en-ru", (0, 7), "center"),
    "sentence-transformers/LaBSE": ("LaBSE", (0, 7), "center"),
    "cointegrated/rubert-tiny2": ("rubert-tiny2", (0, 7), "center"),
    "sergeyzh/rubert-tiny-turbo": ("rubert-tiny-turbo", (0, 7), "center"),
    "cointegrated/rubert-tiny": ("rubert-tiny", (0, -7), "center"),
    "LaBSE-en-ru, half pruned, distilled": ("2024 student", (0, -7), "center"),
    "LaBSE-en-ru, half pruned only": ("2024 pruned only", (0, -7), "center"),
}
LOGARITHMIC_SPAN = 8  # of costs, largest to smallest
ARROW = {"arrowstyle": "->", "color": FAINT, "lw": 0.8, "shrinkA": 7, "shrinkB": 7}

Points = Mapping[str, tuple[float, float]]  # name -> (cost, quality)


def caption(results: Results) -> str:
    cut, other = "the arrows are pruning and distillation", "the arrow leads from the teacher to the student"
    return CAPTION.format(arrows=cut if results.was_cut else other)


def draw(results: Results, colours: Colours) -> Figure:
    others = PUBLISHED if results.has_mean and not results.suite["generated"] else {}
    figure = new_figure(3.1)
    panels = figure.subplots(1, len(COSTS), sharey=True)
    panels[0].set_ylabel(results.overall_title)
    panels[0].set_ylim(
        *span([results.overall(model) for model in results.models] + [one["mean_s"] for one in others.values()])
    )
    for axes, (key, label) in zip(panels, COSTS.items(), strict=True):
        points = {model: (results.cost[model][key], results.overall(model)) for model in results.models}
        elsewhere = {name: (one[key], one["mean_s"]) for name, one in others.items() if key == "weights_mb"}
        scale(axes, [cost for cost, _ in [*points.values(), *elsewhere.values()]])
        published(axes, elsewhere)
        front(axes, points)
        scatter(axes, points, colours)
        axes.set_xlabel(label)
        rule(axes, "both")
    return figure


def span(values: Sequence[float]) -> tuple[float, float]:
    """Limits with room for the labels above and below."""
    pad = 0.25 * max(max(values) - min(values), 0.02)
    return min(values) - pad, max(values) + pad


def scale(axes: Axes, costs: Sequence[float]) -> None:
    """Costs that span decades stand on a logarithmic axis, others on one that starts at zero."""
    if max(costs) <= LOGARITHMIC_SPAN * min(costs):
        axes.set_xlim(0, 1.3 * max(costs))
        return
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.xaxis.set_major_formatter("{x:g}")
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_xlim(min(costs) / 1.5, max(costs) * 2)


def scatter(axes: Axes, points: Points, colours: Colours) -> None:
    road = [points[model] for model in ("teacher", "pruned", "student") if model in points]
    for start, end in pairwise(road):
        axes.annotate("", end, start, arrowprops=ARROW)
    for model, point in points.items():
        colour = colours.get(model, FAINT)
        axes.plot(*point, MARKERS[model], color=colour, markersize=8, markeredgecolor="white", zorder=3)
        offset, ha, va = LABELS[model]
        label = f"{MODELS[model]}\n{point[1]:.3f}"
        axes.annotate(label, point, offset, textcoords="offset points", ha=ha, va=va, fontsize=7.5, linespacing=1.05)


def pareto(points: Points) -> list[tuple[float, float]]:
    """The points that no other beats in both cost and quality, cheapest first."""
    best: list[tuple[float, float]] = []
    for cost, quality in sorted(points.values(), key=lambda point: (point[0], -point[1])):
        if not best or quality > best[-1][1]:
            best.append((cost, quality))
    return best


def front(axes: Axes, points: Points) -> None:
    """The Pareto front as steps: a quality is to be had from the cost of the point that reaches it upwards."""
    costs, qualities = np.array(pareto(points)).T
    right, bottom = axes.get_xlim()[1], axes.get_ylim()[0]
    costs, qualities = np.append(costs, right), np.append(qualities, qualities[-1])
    axes.fill_between(costs, qualities, bottom, step="post", color=RULE, alpha=0.45, linewidth=0, zorder=0)


def published(axes: Axes, points: Points) -> None:
    for name, point in points.items():
        short, offset, ha = PUBLISHED_LABELS[name]
        axes.plot(*point, "o", color=FAINT, markersize=4.5, markerfacecolor="none", markeredgewidth=0.8)
        axes.annotate(short, point, offset, textcoords="offset points", fontsize=5.5, color=FAINT, ha=ha, va="center")
