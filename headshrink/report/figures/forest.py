"""Forest plot: how far each model is from the teacher on every task, with bootstrap intervals."""

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from headshrink.report.figures._style import FAINT, MARKERS, RULE, Colours, new_figure, rule
from headshrink.report.results import MODELS, Results

TITLE = "Differences from the teacher"
CAPTION = (
    "Score minus the teacher's on the same test items, with one-sided 95% bounds on either side (paired bootstrap, the "
    "maximum over poolings taken anew in each resample). A filled mark: the interval leaves out zero."
)
MEANS = {"mean_s": "mean S", "mean_sw": "mean S+W"}


def caption(results: Results) -> str:
    return CAPTION


def draw(results: Results, colours: Colours) -> Figure:
    names = [name for name in [*MEANS, *results.tasks] if name in results.intervals["student"]]
    figure = new_figure(0.9 + 0.2 * len(names))
    models = ("student", "pruned") if results.was_cut else ("student",)
    panels = figure.subplots(1, len(models), sharey=True, squeeze=False)[0]
    for axes, model in zip(panels, models, strict=True):
        forest(axes, results, model, names, colours[model])
    panels[0].set_yticks(range(len(names)), [MEANS.get(name, name.upper()) for name in names])
    panels[0].invert_yaxis()
    return figure


def forest(axes: Axes, results: Results, model: str, names: list[str], colour: str) -> None:
    axes.axvline(0, color=FAINT, linewidth=0.8)
    for place, name in enumerate(names):
        one = results.intervals[model][name]
        low, high = one["lower_95"], one["upper_95"]
        inside = low <= 0 <= high
        weight = 2.0 if name in MEANS else 1.2
        axes.plot([low, high], [place, place], color=colour, linewidth=weight, solid_capstyle="butt")
        fill = "white" if inside else colour
        axes.plot(one["difference"], place, MARKERS[model], color=colour, markersize=5, markerfacecolor=fill)
    if names[0] in MEANS:
        axes.axhline(sum(name in MEANS for name in names) - 0.5, color=RULE, linewidth=0.8)
    axes.set_title(f"{MODELS[model]} − teacher")
    axes.set_xlabel("difference in score")
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    rule(axes, "x")
