"""DVC as a child process: how it is called, and what its lines mean."""

import os
import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from flows.stages import Stage
from flows.supervise import Supervised
from headshrink.redact import redacted

UNCHANGED = re.compile(r"Stage '([^']+)' didn't change, skipping")
RESTORED = re.compile(r"Stage '([^']+)' is cached - skipping run")
ADVICE = (
    "To track the changes with git",
    "git add",
    "To enable auto staging",
    "dvc config core.autostage",
    "Use `dvc push`",
)
BUSY = "is busy, it is being blocked by"  # another DVC runs a stage on the same files


def child_environment() -> dict[str, str]:
    """The environment of a stage: this Python's programs first in PATH, unbuffered output, nothing of a Prefect run."""
    hidden = ("PREFECT__", "PREFECT_API_AUTH_STRING", "PREFECT_SERVER_API_AUTH_STRING")  # a stage needs no password
    own = {name: value for name, value in os.environ.items() if not name.startswith(hidden)}
    path = os.pathsep.join([str(Path(sys.executable).parent), own.get("PATH", "")])
    return own | {"PATH": path, "PYTHONUNBUFFERED": "1", "DVC_NO_ANALYTICS": "1"}


def dvc(folder: Path, *arguments: str) -> Supervised:
    """Start DVC in `folder`; it waits while another DVC holds the lock there."""
    return Supervised([sys.executable, "-m", "dvc", "--wait-for-lock", *arguments], folder, child_environment())


def stage_output(lines: Iterable[str]) -> Iterator[str]:
    """The lines without secrets, and without DVC's advice on git and pushing, which it repeats after each stage."""
    return (redacted(line) for line in lines if line and not line.strip().startswith(ADVICE))


def outcome_of(line: str) -> str | None:
    """Cached or Restored where a line of DVC says so of its stage."""
    if UNCHANGED.match(line):
        return "Cached"
    return "Restored" if RESTORED.match(line) else None


def unchanged_stages(folder: Path, stages: list[Stage]) -> set[str]:
    """Stages that have nothing to do, from one dry run: asking DVC about each would take half a second apiece.

    A dry run cannot know what comes out of a stage that has to run, so a stage counts only where all those before it
    count; the others are asked one by one.
    """
    child = dvc(folder, "repro", "--dry")
    same = {match[1] for line in child if (match := UNCHANGED.match(line))}
    if child.status:
        return set()
    unchanged: set[str] = set()
    for stage in stages:
        if stage.name in same and unchanged.issuperset(stage.after):
            unchanged.add(stage.name)
    return unchanged
