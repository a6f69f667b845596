"""Time, memory and disk of every stage at a real size, with a SIGKILL in the middle of the long ones.

    python benchmarks/real_size.py CHECKOUT [--minutes 10] [--stages targets distill] [--out table.md]

CHECKOUT is a clone whose params.yaml is the profile to measure. Each stage runs as its own process there. A stage that
is still running after half of `--minutes` is killed and started again; after `--minutes` it is ended. Seconds are of
both processes together. "time left" compares what the first progress line after a minute promised with the rest of the
whole stage, where the stage ended in time.
"""

import argparse
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import psutil
import yaml

STAGES = ("corpus", "teacher", "tokenize", "importance", "prune", "targets", "distill", "static_baseline", "export",
          "benchmark", "speed", "report")  # fmt: skip
LEFT = re.compile(r"(\d+) (s|min|h)\w* left")
SECONDS = {"s": 1, "min": 60, "h": 3600}
HEADER = "| stage | ended | wall s | CPU s | peak memory, GB | output, MB | time left after 1 min, s | truth, s |"


@dataclass
class Measured:
    """One stage: seconds and bytes over all its processes, and what its progress lines said."""

    stage: str
    ended: str = ""
    wall: float = 0.0
    cpu: float = 0.0
    peak: float = 0.0
    bytes: int = 0
    promised: float | None = None
    promised_at: float = 0.0

    def row(self) -> str:
        known = self.promised is not None
        truth = f"{self.wall - self.promised_at:.0f}" if known and self.ended == "done" else "–"
        cells = [self.stage, self.ended, f"{self.wall:.0f}", f"{self.cpu:.0f}", f"{self.peak / 1e9:.1f}",
                 f"{self.bytes / 1e6:.0f}", f"{self.promised:.0f}" if known else "–", truth]  # fmt: skip
        return f"| {' | '.join(cells)} |"


def measure(folder: Path, stage: str, minutes: float) -> Measured:
    """Run a stage, kill it once at half the time, and end it when the time is over."""
    found = Measured(stage)
    for part in ("first", "resumed"):
        killed = run_until(folder, found, minutes * 60 * (0.5 if part == "first" else 1))
        if not killed:
            break
    found.bytes = sum(path.stat().st_size for path in outputs(folder, stage) if path.is_file())
    return found


def run_until(folder: Path, found: Measured, limit: float) -> bool:
    """Run a stage until its wall seconds reach `limit`, then SIGKILL it; whether it was killed."""
    with tempfile.TemporaryFile("w+") as log:
        environment = os.environ | {"PYTHONPATH": str(folder), "PYTHONUNBUFFERED": "1"}
        child = subprocess.Popen(
            [sys.executable, "-m", f"tasks.{found.stage}"], cwd=folder, env=environment, stdout=log, stderr=log
        )
        started, before, cpu, group = time.monotonic(), found.wall, 0.0, psutil.Process(child.pid)
        while child.poll() is None and found.wall < limit:
            time.sleep(0.5)
            found.wall = before + time.monotonic() - started
            memory, cpu = usage(group, cpu)
            found.peak = max(found.peak, memory)
            if found.promised is None and found.wall > 60:
                found.promised, found.promised_at = time_left(log), found.wall
        running = child.poll() is None
        if running:
            child.send_signal(signal.SIGKILL)
            child.wait()
        found.cpu += cpu
        log.seek(0)
        last = log.read().splitlines()[-1:]
        found.ended = "killed" if running else "done" if child.returncode == 0 else f"failed: {''.join(last)}"
        print(f"{found.stage}: {found.ended} after {found.wall:.0f} s; {''.join(last)}", file=sys.stderr, flush=True)
    return running


def usage(process: psutil.Process, cpu: float) -> tuple[float, float]:
    """Bytes now, and CPU seconds until now, of a process and its children; a child that has ended keeps its seconds."""
    try:
        family = [process, *process.children(recursive=True)]
        times = process.cpu_times()
        seconds = times.user + times.system + times.children_user + times.children_system
        for child in family[1:]:
            seconds += sum(child.cpu_times()[:2])
        return sum(member.memory_full_info().uss for member in family), max(cpu, seconds)
    except psutil.Error:
        return 0.0, cpu


def time_left(log: "tempfile._TemporaryFileWrapper[str]") -> float | None:
    """Seconds that the last progress line promises."""
    place = log.tell()
    log.seek(0)
    found = LEFT.findall(log.read())
    log.seek(place)
    return float(found[-1][0]) * SECONDS[found[-1][1]] if found else None


def outputs(folder: Path, stage: str) -> list[Path]:
    described = yaml.safe_load((folder / "dvc.yaml").read_text(encoding="utf-8"))["stages"][stage]
    entries = [out for kind in ("outs", "metrics", "plots") for out in described.get(kind, [])]
    names = [next(iter(entry)) if isinstance(entry, dict) else entry for entry in entries]
    return sorted({path for name in names for path in [folder / name, *(folder / name).rglob("*")]})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkout", type=Path)
    parser.add_argument("--minutes", type=float, default=10.0, help="wall minutes per stage")
    parser.add_argument("--stages", nargs="+", choices=STAGES, default=STAGES)
    parser.add_argument("--out", type=Path, help="file for the table")
    given = parser.parse_args()
    rows = [HEADER, "|" + " --- |" * (HEADER.count("|") - 1)]
    for stage in given.stages:
        rows.append(measure(given.checkout.resolve(), stage, given.minutes).row())
        if given.out:
            given.out.write_text("\n".join(rows) + "\n", encoding="utf-8")
    print("\n".join(rows))


if __name__ == "__main__":
    main()
