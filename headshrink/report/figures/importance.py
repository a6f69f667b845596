"""The importance map: what every head and FFN neuron is worth, and which of them were cut."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from headshrink.metrics import ranks
from headshrink.report.figures._style import Colours, new_figure
from headshrink.report.results import Kept, Results

TITLE = "Importance and what was cut"
CAPTION = (
    "Left: importance of every attention head; crossed heads were cut. Right: FFN neurons of each layer, kept ones "
    "left and cut ones hatched, each by falling importance. Colour: the share of all heads, or of all neurons, that "
    "score lower."
)
COLOUR_MAP = "cividis"  # even in lightness, and the same to colour-blind readers


def caption(results: Results) -> str:
    return CAPTION


def draw(results: Results, colours: Colours) -> Figure:
    layers, heads = results.head_scores.shape
    figure = new_figure(min(1.3 + 0.26 * layers, 5.0))
    left, right = figure.subplots(1, 2, width_ratios=[1, 1.35])
    image = show(left, quantiles(results.head_scores), "head")
    mark_cut_heads(left, results.heads)
    left.set_xticks(range(heads), [str(head + 1) for head in range(heads)])
    show(right, kept_first(quantiles(results.neuron_scores), results.ffn), "FFN neuron, kept ones first")
    mark_kept_neurons(right, results.ffn)
    right.set_ylabel("")
    left.set_title(f"Heads: {results.heads.share:.0%} kept")
    right.set_title(f"FFN neurons: {results.ffn.share:.0%} kept")
    bar = figure.colorbar(image, ax=[left, right], fraction=0.025, pad=0.02)
    bar.set_label("importance, quantile")
    bar.outline.set_visible(False)
    return figure


def quantiles(scores: NDArray[np.float32]) -> NDArray[np.float64]:
    """Each score as the share of all scores below it: Taylor scores span decades, and pruning looks at ranks alone."""
    return (ranks(scores) / max(scores.size - 1, 1)).reshape(scores.shape)


def kept_first(values: NDArray[np.float64], kept: Kept) -> NDArray[np.float64]:
    """Each layer's values, kept parts before cut ones, best first in each: a cut in steps need not keep the best."""
    cut = np.ones(values.shape, dtype=bool)
    for layer, indices in enumerate(kept.indices):
        cut[layer, indices] = False
    return np.take_along_axis(values, np.lexsort((-values, cut), axis=1), axis=1)


def show(axes: Axes, values: NDArray[np.float64], label: str) -> AxesImage:
    layers, parts = values.shape
    extent = (-0.5, parts - 0.5, layers - 0.5, -0.5)
    image = axes.imshow(values, cmap=COLOUR_MAP, vmin=0, vmax=1, aspect="auto", interpolation="nearest", extent=extent)
    axes.set_yticks(range(layers), [str(layer + 1) for layer in range(layers)])
    axes.xaxis.set_major_locator(MaxNLocator(5, integer=True))
    axes.set(xlabel=label, ylabel="layer")
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    for layer in range(1, layers):
        axes.axhline(layer - 0.5, color="white", linewidth=1.5)
    return image


def mark_cut_heads(axes: Axes, heads: Kept) -> None:
    """A white cross with a dark edge on every head that went: seen on the map's light and dark ends alike."""
    widths = enumerate(zip(heads.indices, heads.of, strict=True))
    cut = [(head, layer) for layer, (kept, of) in widths for head in range(of) if head not in kept]
    for size, colour in ((2.6, "black"), (1.2, "white")):
        axes.plot(
            [x for x, _ in cut], [y for _, y in cut], "x", color=colour, markersize=6, markeredgewidth=size, gid="cut"
        )
    for head in range(1, max(heads.of)):
        axes.axvline(head - 0.5, color="white", linewidth=1.5)


def mark_kept_neurons(axes: Axes, ffn: Kept) -> None:
    for layer, (kept, of) in enumerate(zip(ffn.counts, ffn.of, strict=True)):
        span = ([kept - 0.5, of - 0.5], layer - 0.5, layer + 0.5)
        axes.fill_between(*span, facecolor="none", hatch="xxxx", edgecolor="white", linewidth=0)
        axes.plot([kept - 0.5] * 2, [layer - 0.5, layer + 0.5], color="white", linewidth=2.5, solid_capstyle="butt")
