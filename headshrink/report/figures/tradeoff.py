"""Quality against what it costs: size on disk and latency."""

from itertools import pairwise

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from headshrink.report.figures._style import FAINT, MARKERS, Colours, new_figure, rule
from headshrink.report.results import MODELS, Results

TITLE = "Quality against size and latency"
CAPTION = (
    "Mean S against weights on disk and against CPU latency at batch 1, all models timed alternating in one run. "
    "Up and left is better; the arrows are pruning and distillation."
)
COSTS = {"weights_mb": "weights, MB", "latency_ms_b1": "latency, ms (batch 1)"}
LABELS = {  # offset in points, alignment
    "teacher": ((0, 8), "center", "bottom"),
    "pruned": ((0, -8), "center", "top"),
    "student": ((-9, 0), "right", "center"),
}
ARROW = {"arrowstyle": "->", "color": FAINT, "lw": 0.8, "shrinkA": 7, "shrinkB": 7}


def draw(results: Results, colours: Colours) -> Figure:
    figure = new_figure(2.9)
    panels = figure.subplots(1, len(COSTS), sharey=True)
    for axes, (key, label) in zip(panels, COSTS.items(), strict=True):
        points = {
            model: (results.cost[model][key], results.quality[model]["mean_s"])
            for model in results.models
            if results.cost.get(model, {}).get(key) is not None and results.quality[model].get("mean_s") is not None
        }
        scatter(axes, points, colours)
        axes.set_xlabel(label)
        rule(axes, "both")
    panels[0].set_ylabel("mean S")
    return figure


def scatter(axes: Axes, points: dict[str, tuple[float, float]], colours: Colours) -> None:
    road = [points[model] for model in MODELS if model in points]
    for start, end in pairwise(road):
        axes.annotate("", end, start, arrowprops=ARROW)
    for model, point in points.items():
        axes.plot(*point, MARKERS[model], color=colours[model], markersize=8, markeredgecolor="white", zorder=3)
        offset, ha, va = LABELS[model]
        label = f"{MODELS[model]}\n{point[1]:.3f}"
        axes.annotate(label, point, offset, textcoords="offset points", ha=ha, va=va, fontsize=7.5, linespacing=1.05)
    axes.margins(y=0.3)
    axes.set_xlim(0, 1.18 * max(x for x, _ in points.values()))
