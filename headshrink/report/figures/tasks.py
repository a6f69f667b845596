"""Per-task scores as grouped bars."""

import numpy as np
from matplotlib.figure import Figure

from headshrink.report.figures._style import FAINT, HATCHES, Colours, new_figure, rule
from headshrink.report.results import MODELS, Results

TITLE = "Quality by task"
CAPTION = "Score of each encodechka task and the mean of the sentence tasks (S) and of all ten (S+W). Higher is better."
MEANS = {"mean_s": "mean\nS", "mean_sw": "mean\nS+W"}


def caption(results: Results) -> str:
    return CAPTION


def draw(results: Results, colours: Colours) -> Figure:
    names, means = results.tasks, [mean for mean in MEANS if mean in results.quality["teacher"]]
    figure = new_figure(2.9)
    axes = figure.subplots()
    places = np.concatenate([np.arange(len(names)), len(names) + 0.4 + np.arange(len(means))])
    width = 0.84 / len(results.models)
    for i, model in enumerate(results.models):
        values = [results.quality[model][key] for key in [*names, *means]]
        x = places + (i - (len(results.models) - 1) / 2) * width
        bars = axes.bar(
            x, values, width * 0.94, label=MODELS[model], color=colours.get(model, FAINT), edgecolor="white"
        )
        for bar in bars:
            bar.set_hatch(HATCHES[model])
        axes.bar_label(bars, fmt=lambda score: f"{score:.2f}".lstrip("0"), padding=1.5, fontsize=5)
    axes.set_xticks(places, [*(name.upper() for name in names), *(MEANS[mean] for mean in means)])
    axes.tick_params(axis="x", length=0)
    axes.set_xlim(places[0] - 0.6, places[-1] + 0.6)
    axes.set_ylim(0, 1.05)
    axes.set_yticks(np.linspace(0, 1, 6))
    axes.set_ylabel("score")
    rule(axes, "y")
    figure.legend(loc="outside upper right", ncols=len(results.models), handlelength=1.2, columnspacing=1.4)
    return figure
