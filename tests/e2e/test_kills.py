"""SIGKILL in the middle of any stage, to the stage or to dvc itself: nothing half-written, and the same files in the end."""

import os
import signal
import time
from pathlib import Path

import pytest
import yaml
from conftest import make_project
from project import ROOT, Project

STAGES = list(yaml.safe_load((ROOT / "dvc.yaml").read_text(encoding="utf-8"))["stages"])
TIMED = {"artifacts/benchmark/cost.json", "artifacts/report"}  # they hold timings


def stage_process(name: str, folder: Path) -> int | None:
    """The pid of a stage of this checkout."""
    for entry in Path("/proc").iterdir():
        try:
            words = (entry / "cmdline").read_bytes().split(b"\0")
            if words[1:3] == [b"-m", f"tasks.{name}".encode()] and Path(os.readlink(entry / "cwd")) == folder:
                return int(entry.name)
        except (OSError, IndexError):
            continue
    return None


def in_the_middle(name: str, folder: Path) -> bool:
    """Whether the stage has begun to write: its unfinished folder is there."""
    return any((folder / ".work").glob(f"{name}.tmp-*"))


def kill_in_the_middle(project: Project, name: str, victim: str) -> None:
    """Start `dvc repro`, wait until stage `name` writes, and kill the stage or dvc."""
    dvc = project.start("dvc", "repro")
    deadline = time.monotonic() + 240
    while not in_the_middle(name, project.folder):
        assert dvc.poll() is None, f"dvc ended before {name} was killed: {dvc.communicate()[0]}"
        assert time.monotonic() < deadline
        time.sleep(0.02)
    stage = stage_process(name, project.folder)
    assert stage is not None
    os.kill(stage if victim == "stage" else dvc.pid, signal.SIGKILL)
    dvc.wait()
    wait_until_dead(stage)


def wait_until_dead(pid: int) -> None:
    deadline = time.monotonic() + 10
    while Path(f"/proc/{pid}").exists() and " Z " not in Path(f"/proc/{pid}/stat").read_text():
        assert time.monotonic() < deadline, "the stage outlived dvc"
        time.sleep(0.05)


@pytest.mark.timeout(900)
@pytest.mark.parametrize("victim", ["stage", "dvc"])
def test_killed_everywhere(built: Project, tmp_path: Path, victim: str) -> None:
    project = make_project(tmp_path)
    for name in STAGES:
        kill_in_the_middle(project, name, victim)
    project.repro()
    expected = built.lock()
    assert {path: md5 for path, md5 in project.lock().items() if path not in TIMED} == {
        path: md5 for path, md5 in expected.items() if path not in TIMED
    }
    assert not list((project.folder / "artifacts").rglob(".*.tmp-*"))
    assert project.repro() == set()
