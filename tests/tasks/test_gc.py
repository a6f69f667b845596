"""Freeing disk: nothing without --yes, never what a running stage uses, and DVC keeps workspace and tags."""

import fcntl
import subprocess
from pathlib import Path
from types import SimpleNamespace

import pytest

from tasks import gc


@pytest.fixture
def commands(tmp_path: Path, monkeypatch) -> list[list[str]]:
    """A checkout with two unfinished stages, one of which runs; the commands that would have been run."""
    monkeypatch.chdir(tmp_path)
    for name in ("targets/abc", "distill/abc", "downloads"):
        (gc.WORK / name).mkdir(parents=True)
        (gc.WORK / name / "file").write_bytes(bytes(2_000_000))
    for stage in ("targets", "distill"):
        (gc.WORK / f"{stage}.lock").touch()
    run: list[list[str]] = []
    monkeypatch.setattr(subprocess, "run", lambda command: run.append(command) or SimpleNamespace(returncode=0))
    return run


def test_by_default_it_only_says_what_would_go(commands: list[list[str]], capsys):
    assert gc.main([]) == 0
    assert commands == [[*gc.DVC_GC, "--dry"]]
    assert (gc.WORK / "targets/abc").is_dir()
    assert ".work/targets: 2 MB would go" in capsys.readouterr().out


def test_with_yes_it_removes_what_no_running_stage_uses_and_says_how_much(commands: list[list[str]], capsys):
    with open(gc.WORK / "distill.lock") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert gc.main(["--yes"]) == 0
    assert commands == [["dvc", "gc", "--workspace", "--all-tags", "--force"]]
    assert not (gc.WORK / "targets").exists()
    assert (gc.WORK / "distill/abc/file").is_file()
    assert (gc.WORK / "downloads/file").is_file()
    assert "2 MB freed" in capsys.readouterr().out
