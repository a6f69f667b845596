"""The explicit empty result of importance and prune, for kinds of students that do not use the pruned model."""

import json
from pathlib import Path
from typing import Any

RECORD = "prune.json"
UNUSED = {"used": False, "reason": "students of this kind do not use the pruned model"}


def write_unused(path: Path) -> None:
    """Write the note of an empty result."""
    path.write_text(json.dumps(UNUSED) + "\n", encoding="utf-8")


def read_record(folder: Path) -> dict[str, Any]:
    """The record of a cut in a model folder: `UNUSED` where no model was cut."""
    found: dict[str, Any] = json.loads((folder / RECORD).read_text(encoding="utf-8"))
    return found


def is_used(folder: Path) -> bool:
    """Whether a folder holds a model: false only for the note of an empty result."""
    return not (folder / RECORD).is_file() or read_record(folder).get("used", True) is True
