"""The table of rows as JSON: speed.json, flat below each model and row, with the machine that its times belong to."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from headshrink.benchmarking.cost import DIGITS
from headshrink.benchmarking.machine import describe
from headshrink.speed.rows import Row

FINE = 6  # of cosines, whose difference from 1 counts


def as_json(rows: Mapping[str, Mapping[str, Row]]) -> dict[str, Any]:
    """Machine, date, the rows' titles, and by model and row the figures, or under `absent` why there are none."""
    titles = {name: row.title for ways in rows.values() for name, row in ways.items()}
    found = {model: {name: content(row) for name, row in ways.items()} for model, ways in rows.items()}
    return {"machine": describe(), "date": datetime.now(UTC).isoformat(timespec="seconds"), "titles": titles, **found}


def content(row: Row) -> dict[str, Any]:
    if row.absent:
        return {"absent": row.absent}
    return {name: round(value, FINE if "cosine" in name else DIGITS) for name, value in row.figures.items()}
