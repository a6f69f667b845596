"""Published encodechka figures, to stand beside ours: always labelled published, never mixed with what we measured."""

from collections.abc import Mapping

from headshrink.report.results import MODELS, TASKS, Results
from headshrink.report.tables import MEANS, Measure, Row, Table

SOURCE = (
    "the leaderboard of github.com/avidale/encodechka and, for the 2024 models, their author's own machine. "
    "Their sizes were published in MiB (490 and 327 of LaBSE-en-ru and its student) and are converted to MB here"
)
MB_OF_MIB = 2**20 / 1e6
ENCODECHKA, WORK_2024 = "published, encodechka", "published, the 2024 work"

# Two decimals are all that was published of single tasks. CPU ms are of encodechka's machine, one text at a time.
_COLUMNS = ("mean_s", "mean_sw", "speed_task_ms", "mib", *TASKS)
_ENCODECHKA = {
    "cointegrated/LaBSE-en-ru": (
        0.739, 0.668, 133.4, 490, 0.79, 0.66, 0.43, 0.76, 0.95, 0.77, 0.79, 0.77, 0.35, 0.42,
    ),
    "sentence-transformers/LaBSE": (
        0.739, 0.667, 135.1, 1797, 0.79, 0.66, 0.43, 0.76, 0.95, 0.77, 0.79, 0.76, 0.35, 0.41,
    ),
    "cointegrated/rubert-tiny2": (
        0.704, 0.638, 5.5, 111, 0.75, 0.65, 0.42, 0.74, 0.94, 0.75, 0.76, 0.64, 0.36, 0.39,
    ),
    "sergeyzh/rubert-tiny-turbo": (
        0.749, 0.667, 5.5, 111, 0.83, 0.72, 0.48, 0.79, 0.95, 0.76, 0.78, 0.68, 0.30, 0.37,
    ),
    "cointegrated/rubert-tiny": (
        0.645, 0.575, 7.5, 45, 0.66, 0.53, 0.40, 0.71, 0.89, 0.68, 0.70, 0.58, 0.24, 0.34,
    ),
}  # fmt: skip
_WORK_2024 = {
    "LaBSE-en-ru, half pruned, distilled": {"mean_s": 0.736, "speed_task_ms": 12.3, "mib": 327},
    "LaBSE-en-ru, half pruned only": {"mean_s": 0.647, "speed_task_ms": 12.3, "mib": 327},
}


def in_mb(figures: Mapping[str, float]) -> dict[str, float]:
    """Published figures with the size under the name and in the unit of ours."""
    others = {name: value for name, value in figures.items() if name != "mib"}
    return others | {"weights_mb": figures["mib"] * MB_OF_MIB}


PUBLISHED = {
    **{name: in_mb(dict(zip(_COLUMNS, figures, strict=True))) for name, figures in _ENCODECHKA.items()},
    **{name: in_mb(figures) for name, figures in _WORK_2024.items()},
}

_SHOWN = [
    *MEANS,
    Measure("weights_mb", "MB", 1, 0),
    Measure("speed_task_ms", "CPU ms", 1, 1),
    *(Measure(task, task.upper(), 1, 2) for task in TASKS),
]


def published_table(results: Results) -> Table | None:
    """Our models above the published ones; None for a generated suite, whose scores compare with nothing."""
    if results.suite.get("generated"):
        return None
    rows = [
        line(results.cost[model] | results.quality[model], f"{results.teacher['label']}, {MODELS[model]}", "measured")
        for model in results.models
    ]
    rows += [line(PUBLISHED[name], name, ENCODECHKA) for name in _ENCODECHKA]
    rows += [line(PUBLISHED[name], name, WORK_2024) for name in _WORK_2024]
    return Table(["", *(measure.title for measure in _SHOWN)], rows)


def line(figures: Mapping[str, float], title: str, source: str) -> Row:
    cells = [measure.show(figures.get(measure.key)) for measure in _SHOWN]
    return Row(title, cells, [], source, emphasis=source == "measured")
