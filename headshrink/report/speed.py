"""Teacher and student in many runtimes: what each way of running gives, and what the whole road gave end to end."""

from collections.abc import Mapping
from typing import Any

from headshrink.report.results import MODELS, Results
from headshrink.report.tables import NONE, Measure, Row, Table, signed

COSTS = [
    Measure("startup_s", "start-up, s", 1, 2),
    Measure("memory_mb", "memory, MB", 1, 0),
    Measure("weights_mb", "weights, MB", 1, 1),
    Measure("mean_cosine", "cosine to eager, mean", 1, 5),
    Measure("lowest_cosine", "lowest", 1, 5),
    Measure("mean_s", "mean S, own pooling"),
]
EAGER, GRAPH = "torch", "onnx"  # the rows that the end-to-end statement is about


def speed_tables(speed: Mapping[str, Any]) -> dict[str, Table]:
    """A table a model: rows as measured, a column a setting, then what each row costs beside time."""
    models = [name for name in MODELS if name in speed] or [name for name in speed if is_model(speed[name])]
    return {MODELS.get(name, name): speed_table(speed[name], speed["titles"]) for name in models}


def is_model(content: Any) -> bool:
    return isinstance(content, dict) and EAGER in content


def speed_table(rows: Mapping[str, Any], titles: Mapping[str, str]) -> Table:
    settings = settings_of(rows[EAGER])
    costs = [measure for measure in COSTS if measure.key in rows[EAGER]]
    header = ["", *settings, *(measure.title for measure in costs)]
    return Table(
        [name.replace("_", " ") for name in header],
        [Row(titles[name], cells(row, settings, costs), []) for name, row in rows.items()],
    )


def settings_of(row: Mapping[str, float]) -> list[str]:
    return [key.removeprefix("rounds_") for key in row if key.startswith("rounds_")]


def cells(row: Mapping[str, Any], settings: list[str], costs: list[Measure]) -> list[str]:
    if "absent" in row:
        return [row["absent"], *[""] * (len(settings) + len(costs) - 1)]
    return [*(time_cell(row, setting) for setting in settings), *(cost.show(row.get(cost.key)) for cost in costs)]


def time_cell(row: Mapping[str, float], setting: str) -> str:
    """Milliseconds at batch 1 or texts a second above, and the time over eager torch's of the same model."""
    latency, throughput = row.get(f"latency_ms_{setting}"), row.get(f"throughput_per_s_{setting}")
    value = f"{latency:,.2f} ms" if latency is not None else f"{throughput:,.0f} /s"
    return f"{value}, {times(row, f'time_ratio_{setting}')}"


def times(row: Mapping[str, float], key: str) -> str:
    return f"{row[key]:.2f}× ({row[f'{key}_low']:.2f}–{row[f'{key}_high']:.2f})"


def end_to_end(results: Results) -> Table | None:
    """The teacher as it was, in eager torch, beside the student as it is exported; and both in one runtime.

    The student's form is the fastest of those that were exported, the lossy ones held to the gate. At batch 1, on the
    same threads, in the first such setting. None where no exported form was measured.
    """
    teacher, student = results.speed["teacher"], results.speed["student"]
    setting = next((name for name in settings_of(student[EAGER]) if name.startswith("b1_")), None)
    forms = [name for name in results.speed["exported"] if "weights_mb" in student.get(name, {})]
    if not forms or setting is None:
        return None
    to_first = f"time_ratio_to_first_{setting}"
    best = min(forms, key=lambda name: student[name][to_first])
    rows = [statement(results, "as it was, as it is exported", (EAGER, best), to_first)]
    if "weights_mb" in teacher.get(GRAPH, {}) and GRAPH in forms:
        rows.append(statement(results, "both in one runtime", (GRAPH, GRAPH), f"time_ratio_alike_{setting}"))
    title = f"{setting.replace('_', ' ')}"
    return Table([title, "teacher", "student", "times smaller", "times faster (95%)", "student's mean S, change"], rows)


def statement(results: Results, title: str, ways: tuple[str, str], key: str) -> Row:
    """One comparison: how many times smaller and faster the student is, and what it scores."""
    titles = results.speed["titles"]
    first, second = (results.speed[name][way] for name, way in zip(("teacher", "student"), ways, strict=True))
    faster = f"{1 / second[key]:.1f}× ({1 / second[f'{key}_high']:.1f}–{1 / second[f'{key}_low']:.1f})"
    smaller = f"{first['weights_mb'] / second['weights_mb']:.1f}×"
    shown = [f"{titles[way]}, {row['weights_mb']:.1f} MB" for way, row in zip(ways, (first, second), strict=True)]
    return Row(title, [*shown, smaller, faster, quality(results, second)], [], emphasis=ways[0] == EAGER)


def quality(results: Results, row: Mapping[str, float]) -> str:
    """The form's own mean S where it was taken; else its fp32 original's with the interval, and the cosine to that."""
    own = {model: results.quality[model].get("own_mean_s") for model in ("teacher", "student")}
    if "mean_s" in row:
        change = row["mean_s"] - results.speed["teacher"][EAGER]["mean_s"]
        return f"{row['mean_s']:.3f}, {signed(change, 3)}"
    if own["student"] is None or own["teacher"] is None:
        return NONE
    interval = results.details.get("own_intervals", {}).get("student", {}).get("mean_s")
    bounds = f" ({signed(interval['lower_95'], 3)} to {signed(interval['upper_95'], 3)})" if interval else ""
    change = signed(own["student"] - own["teacher"], 3)
    return f"{own['student']:.3f}, {change}{bounds} in fp32; cosine to it {row['mean_cosine']:.4f}"
