"""SIGKILL in the middle of any stage, to the stage or to dvc: nothing half-written, the same files in the end."""

import fcntl
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest
import yaml
from conftest import make_project
from project import ROOT, Project

STAGES = list(yaml.safe_load((ROOT / "dvc.yaml").read_text(encoding="utf-8"))["stages"])
TIMED = {"artifacts/benchmark/cost.json", "artifacts/speed/speed.json", "artifacts/report"}  # they hold timings
SECONDS_OF_WORK = 2
SECONDS_TO_DIE = 10  # a stage that outlived its dvc would work for longer, at least the last ones


def stage_process(name: str, folder: Path) -> int | None:
    """The pid of a stage of this checkout; a worker that it has just forked looks like it, and is younger."""
    for entry in sorted(Path("/proc").glob("[0-9]*"), key=lambda path: int(path.name)):
        try:
            words = (entry / "cmdline").read_bytes().split(b"\0")
            if words[1:3] == [b"-m", f"tasks.{name}".encode()] and Path(os.readlink(entry / "cwd")) == folder:
                return int(entry.name)
        except (OSError, IndexError):
            continue
    return None


def wait_for_the_middle(name: str, project: Project, dvc: subprocess.Popen[str]) -> int:
    """Wait until stage `name`, its lock taken, writes its output or has worked for some seconds; its pid."""
    deadline, working_since = time.monotonic() + 240, None
    lock = project.folder / ".work" / f"{name}.lock"
    while time.monotonic() < deadline:
        assert dvc.poll() is None, f"dvc ended before {name} was killed: {dvc.communicate()[0]}"
        stage = stage_process(name, project.folder)
        if stage and working_since is None and holds(stage, lock):
            working_since = time.monotonic()
        if stage and working_since and (writes(project) or time.monotonic() - working_since > SECONDS_OF_WORK):
            return stage
        time.sleep(0.02)
    raise AssertionError(f"{name} never started")


def writes(project: Project) -> bool:
    """Whether an output is being written: its temporary folder is there and its owner lives."""
    for lock in (project.folder / "artifacts").glob(".*.unfinished-*/lock"):
        try:
            with open(lock, "rb+") as file:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        except OSError:
            continue  # it has just been renamed
    return False


def holds(pid: int, file: Path) -> bool:
    """Whether a process has a file open."""
    try:
        return any(os.readlink(entry) == str(file) for entry in Path(f"/proc/{pid}/fd").iterdir())
    except OSError:
        return False


def kill_in_the_middle(project: Project, name: str, victim: str) -> None:
    """Start `dvc repro`, wait until stage `name` is at work, and kill the stage or dvc."""
    dvc = project.start("dvc", "repro")
    stage = wait_for_the_middle(name, project, dvc)
    os.kill(stage if victim == "stage" else dvc.pid, signal.SIGKILL)
    dvc.wait()
    wait_until_dead(name, stage)


def wait_until_dead(name: str, pid: int) -> None:
    deadline = time.monotonic() + SECONDS_TO_DIE
    while alive(pid):
        assert time.monotonic() < deadline, f"stage {name} outlived dvc"
        time.sleep(0.05)


def alive(pid: int) -> bool:
    """Whether a process runs; one that has ended and waits to be collected does not."""
    try:
        return " Z " not in Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False


@pytest.mark.timeout(900)
def test_killed_everywhere(built: Project, tmp_path: Path) -> None:
    project = make_project(tmp_path)
    for name in STAGES:
        for victim in ("stage", "dvc"):
            kill_in_the_middle(project, name, victim)
    project.repro()
    expected = built.lock()
    assert {path: md5 for path, md5 in project.lock().items() if path not in TIMED} == {
        path: md5 for path, md5 in expected.items() if path not in TIMED
    }
    assert not list((project.folder / "artifacts").rglob(".*.unfinished-*"))
    assert project.repro() == set()
