"""Heads and FFN neurons kept in each layer."""

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from headshrink.report.figures._style import FAINT, RULE, Colours, new_figure
from headshrink.report.results import Kept, Results

TITLE = "What is left of each layer"
CAPTION = "Attention heads and FFN neurons kept in each layer, against the teacher's width."


def caption(results: Results) -> str:
    return CAPTION


def draw(results: Results, colours: Colours) -> Figure:
    figure = new_figure(min(1.1 + 0.24 * len(results.ffn.of), 4.5))
    left, right = figure.subplots(1, 2, sharey=True)
    bars(left, results.heads, "Heads", colours)
    bars(right, results.ffn, "FFN neurons", colours)
    left.set_ylabel("layer")
    left.invert_yaxis()
    return figure


def bars(axes: Axes, kept: Kept, title: str, colours: Colours) -> None:
    layers = range(1, len(kept.of) + 1)
    axes.barh(layers, kept.of, color=RULE, height=0.72)
    axes.barh(layers, kept.counts, color=colours["student"], height=0.72)
    for layer, count, of in zip(layers, kept.counts, kept.of, strict=True):
        label = f"{count:,} ({count / of:.0%})"
        axes.annotate(label, (of, layer), (4, 0), textcoords="offset points", va="center", fontsize=7)
    axes.set_title(f"{title}: {sum(kept.counts):,} of {sum(kept.of):,}")
    axes.set_yticks(list(layers))
    axes.set_xlim(0, max(kept.of) * 1.28)
    axes.set_xticks([0, max(kept.of) / 2, max(kept.of)])
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_color(FAINT)
