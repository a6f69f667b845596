"""What models cost side by side: size, operations, memory and time, each time as a ratio to the reference."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from headshrink.benchmarking import machine, timing
from headshrink.benchmarking.models import Model
from headshrink.benchmarking.probe import probe
from headshrink.parameters.benchmark import DEFAULTS
from headshrink.progress import track

DIGITS = 4
HEADLINE = timing.Setting(1, 32, 1)  # one thread: the figure that neighbours on the machine disturb least
HEADLINE_BATCH = timing.Setting(32, 32, None)


def measure(
    models: Mapping[str, Model],
    reference: str,
    sentences: Sequence[str],
    rounds: int = DEFAULTS.repeats,
    limit_s: float = DEFAULTS.limit_s,
) -> dict[str, Any]:
    """Everything for cost.json: machine, date, and flat figures by model name.

    Each of the twelve settings (batch 1 at 8, 32 and 128 tokens; batches of 8, 32 and 128 texts; one thread and all)
    takes at least `rounds` rounds, and more until all ratios are known to 5%, but no more than `limit_s` seconds.
    Settings longer than a model's position table are left out.
    """
    costs: dict[str, dict[str, float]] = {name: model.size() | probe(model.folder) for name, model in models.items()}
    longest = min(model.longest for model in models.values())
    settings = [setting for setting in timing.LATENCY + timing.THROUGHPUT if setting.tokens <= longest]
    for setting in track(settings, "timing"):
        timings = timing.time_setting(models, reference, setting, rounds, limit_s)
        for name in costs:
            costs[name] |= timing.figures(timings, setting, name, reference)
    for name, milliseconds in timing.speed_task_ms(models, sentences).items():
        costs[name] = headlines(costs[name]) | {"speed_task_ms": milliseconds} | costs[name]
    rounded = {name: {key: round(value, DIGITS) for key, value in cost.items()} for name, cost in costs.items()}
    return {"machine": machine.describe(), "date": datetime.now(UTC).isoformat(timespec="seconds"), **rounded}


def headlines(cost: Mapping[str, float]) -> dict[str, float]:
    """The figures that tables show, under short names; the long names say at which setting."""
    single, batch = HEADLINE.name, HEADLINE_BATCH.name
    return {
        "latency_ms_b1": cost[f"latency_ms_{single}"],
        "latency_p95_ms_b1": cost[f"latency_p95_ms_{single}"],
        "latency_ratio_b1": cost[f"time_ratio_{single}"],
        "throughput_b32_per_s": cost[f"throughput_per_s_{batch}"],
    }
