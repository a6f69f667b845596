"""The report's figures, one file each: `draw(results, colours)` beside a title and a caption."""

from types import ModuleType

from headshrink.report.figures import curve, forest, importance, tasks, tradeoff, widths
from headshrink.report.results import Results

FIGURES = {
    "tasks": tasks,
    "forest": forest,
    "tradeoff": tradeoff,
    "importance": importance,
    "widths": widths,
    "curve": curve,
}
OF_THE_CUT = ("importance", "widths")


def figures_of(results: Results) -> dict[str, ModuleType]:
    """The figures that these results have: those of the cut only where a model was cut."""
    return {name: figure for name, figure in FIGURES.items() if results.was_cut or name not in OF_THE_CUT}
