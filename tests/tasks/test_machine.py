"""Timings have the machine alone, whatever checkout the other stages belong to."""

import threading
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import MagicMock

import pytest

from tasks import benchmark, machine, prune, speed, timing
from tasks.machine import Machine
from tasks.params import Params
from tasks.stage import sections_of

SECONDS = 20.0


class Worker:
    """Another stage: runs until `leave` is set, with its timing last where `timed`."""

    def __init__(self, name: str, timed: bool = False) -> None:
        self.running, self.timing, self.leave, self.began = (threading.Event() for _ in range(4))
        self.thread = threading.Thread(target=self._run, args=(name, timed), daemon=True)
        self.thread.start()

    def _run(self, name: str, timed: bool) -> None:
        lock = Machine()
        self.began.set()
        with lock.stage(name):
            self.running.set()
            with lock.timing(name) if timed else nullcontext():
                self.timing.set()
                self.leave.wait(SECONDS)

    def end(self) -> None:
        self.leave.set()
        self.thread.join(SECONDS)
        assert not self.thread.is_alive()


@pytest.fixture(autouse=True)
def alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))


def test_stages_run_side_by_side() -> None:
    first, second = Worker("distill"), Worker("targets")
    assert first.running.wait(SECONDS)
    assert second.running.wait(SECONDS)
    first.end()
    second.end()


def test_a_timing_waits_for_other_stages_and_says_for_which(capsys: pytest.CaptureFixture[str]) -> None:
    other = Worker("distill")
    assert other.running.wait(SECONDS)
    timed = Worker("benchmark", timed=True)
    assert not timed.timing.wait(0.3)
    [line] = capsys.readouterr().out.splitlines()
    assert line.startswith("benchmark: waiting for distill in /")
    assert line.endswith("; its timings need the machine alone")
    other.end()
    assert timed.timing.wait(SECONDS)
    timed.end()


def test_a_stage_waits_for_a_timing_and_for_one_that_waits(capsys: pytest.CaptureFixture[str]) -> None:
    other = Worker("distill")
    assert other.running.wait(SECONDS)
    timed = Worker("benchmark", timed=True)
    assert not timed.timing.wait(0.2)
    late = Worker("corpus")
    assert not late.running.wait(0.3), "it would postpone the timing"
    other.end()
    assert timed.timing.wait(SECONDS)
    later = Worker("suite")
    assert not later.running.wait(0.3)
    assert not late.running.is_set()
    assert "suite: waiting for timings of benchmark in /" in capsys.readouterr().out
    timed.end()
    assert late.running.wait(SECONDS)
    assert later.running.wait(SECONDS)
    late.end()
    later.end()


def test_two_stages_that_want_their_timings_take_turns() -> None:
    first, second = Worker("benchmark", timed=True), Worker("speed", timed=True)
    deadline = threading.Event()
    while not (first.timing.is_set() or second.timing.is_set()):
        assert not deadline.wait(0.01)
    one, other = (first, second) if first.timing.is_set() else (second, first)
    assert not other.timing.wait(0.2)
    one.end()
    assert other.timing.wait(SECONDS)
    other.end()


def test_a_killed_stage_is_not_waited_for(tmp_path: Path) -> None:
    folder = machine.runtime_folder()
    folder.mkdir()
    (folder / "1-1.stage").write_text("distill in /gone (process 1)")
    lock = Machine()
    with lock.stage("benchmark"), lock.timing("benchmark"):
        assert lock._others() == []
    assert not list(folder.glob("*.stage"))


def test_without_a_place_for_the_lock_a_stage_runs_after_a_warning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "file"))
    lock = Machine()
    with lock.stage("benchmark"), lock.timing("benchmark"):
        pass
    assert capsys.readouterr().err.count("\n") == 1


def free() -> bool:
    """Whether another stage could start now."""
    other = Worker("other")
    started = other.running.wait(0.2)
    other.leave.set()
    return started


STUBS = (  # library functions that a stage calls before it times
    "headshrink.benchmarking.models.open_model", "headshrink.benchmarking.read.open_suite",
    "headshrink.benchmarking.read.read_sample", "headshrink.benchmarking.run.run", "tasks.heldout.heldout",
    "headshrink.importance.load_scores", "headshrink.importance.pair_batches", "headshrink.model.load_encoder",
    "headshrink.trimming.token_counts.count_tokens", "headshrink.data.shards.read_split",
)  # fmt: skip


@pytest.fixture
def parameters(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """Parameters of stages whose library functions return next to nothing."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(speed, "subject", lambda _: SimpleNamespace(forms={}))
    nothing = MagicMock()
    nothing.__iter__.return_value = iter([])
    for place in STUBS:
        monkeypatch.setattr(place, lambda *_, **__: nothing)
    sections = {name: field.annotation.model_construct() for name, field in Params.model_fields.items()}
    sections["benchmark"].tasks, sections["speed"].rows, sections["speed"].settings = [], [], []
    sections["prune"].budget, sections["importance"].criterion = "ms", "fisher"
    sections["importance"].loss = "teacher_distance"
    return SimpleNamespace(**sections)


@pytest.mark.parametrize(
    ("run", "measured"),
    [
        (benchmark.run, "headshrink.benchmarking.cost.measure"),
        (speed.run, "headshrink.speed.measure"),
        (prune.run, "headshrink.pruning.run.prune_within"),  # within milliseconds
        (lambda: timing.main(["cost.json", "suite", "a=a"]), "headshrink.benchmarking.cost.measure"),
    ],
)
def test_what_is_timed_is_timed_alone(
    run: Any, measured: str, parameters: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[bool] = []

    def measure(*_: object) -> None:
        seen.append(free())
        raise KeyboardInterrupt  # what follows is of no interest

    monkeypatch.setattr(measured, measure)
    in_stage = nullcontext() if run.__module__ == __name__ else machine.machine.stage("stage")
    with pytest.raises((KeyboardInterrupt, SystemExit)), in_stage:
        run(**sections_of(run, parameters))
    assert seen == [False]
    assert free()
