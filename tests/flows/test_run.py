"""`python -m flows.run` says which stage runs, and shows nothing of DVC's own talk."""

import re
import subprocess
import sys
from pathlib import Path

from conftest import change, ran


def shown(folder: Path) -> tuple[int, list[str]]:
    """Exit status and lines of a run in `folder`."""
    done = subprocess.run([sys.executable, "-m", "flows.run"], cwd=folder, text=True, capture_output=True)
    return done.returncode, done.stdout.splitlines()


def test_every_stage_has_its_number_and_its_state(stand_in: Path) -> None:
    change(stand_in, "distill", epochs=7)
    status, lines = shown(stand_in)
    assert status == 0
    assert ran(stand_in) == ["distill", "benchmark", "report"]
    found = [match.groups() for line in lines if (match := re.fullmatch(r"\[(\d)/6\] (\w+)(: up to date)?", line))]
    assert [number for number, *_ in found] == ["1", "2", "3", "4", "5", "6"]
    assert {name for _, name, same in found if same} == {"corpus", "teacher", "prune"}
    assert [name for _, name, same in found if not same] == ["distill", "benchmark", "report"]
    assert sum(bool(re.fullmatch(r" +\d+ s", line)) for line in lines) == 3
    assert not [line for line in lines if "python" in line or "git add" in line or "lock file" in line]


def test_a_failure_keeps_its_status_and_its_line(stand_in: Path) -> None:
    change(stand_in, "prune", ratio=0.3)
    (stand_in / "prune.fails").touch()
    status, lines = shown(stand_in)
    assert status != 0
    assert "error: the user gave a bad thing" in lines


def test_a_pipeline_that_cannot_be_read_is_one_line(stand_in: Path) -> None:
    (stand_in / "dvc.yaml").write_text("stages: {a: {deps: ['${no.key}']}}")
    done = subprocess.run([sys.executable, "-m", "flows.run"], cwd=stand_in, text=True, capture_output=True)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "no.key" in done.stderr
