"""The report's figures, one file each: `draw(results, colours)` beside a title and a caption."""

from headshrink.report.figures import curve, forest, importance, tasks, tradeoff, widths

FIGURES = {
    "tasks": tasks,
    "forest": forest,
    "tradeoff": tradeoff,
    "importance": importance,
    "widths": widths,
    "curve": curve,
}
