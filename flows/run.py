"""`python -m flows.run`: `dvc repro` on a terminal, with each stage's number, its time and nothing of DVC's own talk.

Stages draw their progress on standard error, which stays the terminal's; only DVC's standard output is read here.
"""

import re
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

from flows.checkout import FlowError
from flows.repro import RESTORED, UNCHANGED, child_environment, stage_output
from flows.stages import read_stages

RUNNING = re.compile(r"Running stage '([^']+)'")
OF_DVC = ("> ", "Updating lock file", "Data and pipelines are up to date", "Generating lock file")


def shown(lines: Iterable[str], stages: int) -> Iterator[str]:
    """What a person reads: one line per stage with its number of all, the seconds of one that ran, and other output."""
    started: float | None = None
    number = 0
    for line in stage_output(lines):
        if match := next((found for kind in (RUNNING, UNCHANGED, RESTORED) if (found := kind.match(line))), None):
            if started is not None:
                yield took(started)
            ran = match.re is RUNNING
            started = time.monotonic() if ran else None
            state = "" if ran else ": up to date" if match.re is UNCHANGED else ": restored from the cache"
            number += 1
            yield f"[{number}/{stages}] {match[1]}{state}"
        elif not line.startswith(OF_DVC):
            yield line
    if started is not None:
        yield took(started)


def took(started: float) -> str:
    return f"        {time.monotonic() - started:.0f} s"


def main(folder: Path) -> int:
    """Run what is not up to date; DVC's exit status."""
    try:
        stages = len(read_stages(folder))
    except (FlowError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    command = [sys.executable, "-m", "dvc", "--wait-for-lock", "repro"]
    with subprocess.Popen(command, cwd=folder, env=child_environment(), stdout=subprocess.PIPE, text=True) as child:
        try:
            for line in shown((line.rstrip() for line in child.stdout or ()), stages):
                print(line, flush=True)
        except KeyboardInterrupt:  # DVC got it too and ends its stage
            print("interrupted: `make demo` goes on from here", file=sys.stderr)
            child.wait()
            return 130
    return child.returncode


if __name__ == "__main__":
    sys.exit(main(Path.cwd()))
