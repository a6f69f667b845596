"""A comparison of ratios: shared stages once, one timing for all, the checkout left alone."""

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path

import pytest
from conftest import change, run
from served import alive, until

from flows import compare, figures
from flows.checkout import FlowError
from flows.worktree import mark_comparison, worktree


@pytest.mark.parametrize("text", ["", "0.5", "0.5 0.5", "0.5 1", "0.5 -0.1", "a b", "0.5 nan", "0.1234561 0.1234562"])
def test_ratios_that_make_no_comparison_are_refused(text: str) -> None:
    with pytest.raises(FlowError, match="--ratios"):
        compare.parse_ratios(text)


def test_a_ratio_counts_for_heads_and_neurons() -> None:
    """A params.yaml with `heads: 0.3` or a budget would otherwise prune the same at every ratio."""
    assert compare.at_ratio(0.25) == {"prune": {"ratio": 0.25, "heads": None, "ffn": None, "budget": None}}


def test_every_ratio_is_run_timed_once_and_logged(stand_in: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    timed: list[dict[float, Path]] = []

    def time_together(trees: dict[float, Path], target: Path) -> dict:
        timed.append(trees)
        assert all((tree / "artifacts/pruned.txt").exists() for tree in trees.values()), "all students at once"
        cost = {"latency_ms_b1": 1.0, "latency_ratio_b1": 1.0, "weights_mb": 2.0}
        return {"machine": {"cpu": "x"}, "date": "2026-01-01"} | dict.fromkeys(["teacher", "0.25", "0.5"], cost)

    logged: list[tuple[float, ...]] = []
    monkeypatch.setattr(compare, "time_together", time_together)
    monkeypatch.setattr(compare, "log", lambda kept, measured, files: logged.append(tuple(kept)))
    before = run(stand_in, "git", "status", "--porcelain"), (stand_in / "dvc.lock").read_bytes()
    target = compare.compare(stand_in, [0.25, 0.5])
    assert len(timed) == 1
    assert logged == [(0.25, 0.5)] * 2, "figures, then the files that are drawn from them"
    results = json.loads((target / "results.json").read_text())
    assert [result["ratio"] for result in results] == [0, 0.25, 0.5]
    assert "0.25" in (target / "ratios.md").read_text()
    assert (target / "ratios.png").exists()
    assert before == (run(stand_in, "git", "status", "--porcelain"), (stand_in / "dvc.lock").read_bytes())
    assert not any((stand_in / ".work" / "trees").iterdir())


def stand_in_for_work(monkeypatch: pytest.MonkeyPatch) -> None:
    """Costs without a timing, and no pipeline."""
    cost = {"latency_ms_b1": 1.0, "latency_ratio_b1": 1.0, "weights_mb": 2.0}
    costs = {"machine": {"cpu": "x"}} | dict.fromkeys(["teacher", "0.25", "0.5"], cost)
    monkeypatch.setattr(compare, "time_together", lambda trees, target: costs)


def test_results_are_logged_before_they_are_drawn(stand_in: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    logged: list[list[Path]] = []
    stand_in_for_work(monkeypatch)
    monkeypatch.setattr(compare, "log", lambda kept, measured, files: logged.append(files))
    monkeypatch.setattr(compare.figures, "SENTENCE_TASKS", ())
    monkeypatch.setattr(compare, "write_results", lambda kept, costs, target: target.write_text("[]"))
    with pytest.raises(FlowError, match="the picture of the ratios failed"):
        compare.compare(stand_in, [0.25, 0.5])
    assert logged == [[]]


@pytest.mark.parametrize(
    ("section", "changed", "expected"),
    [
        ("benchmark", {"tasks": ["sts", "sa", "icx"]}, "benchmark.tasks lacks pi, nli, ti, ia, ic"),
        ("distill", {"student": {"kind": "bilstm"}}, "distill.student.kind = bilstm"),
        ("prune", {"layers": 2}, "prune.layers = 2"),
    ],
)
def test_what_would_fail_at_the_end_is_refused_at_the_start(
    stand_in: Path, capsys: pytest.CaptureFixture[str], section: str, changed: dict, expected: str
) -> None:
    change(stand_in, section, **changed)
    assert compare.main(["--ratios", "0.25 0.5"]) == 2
    [line] = capsys.readouterr().err.splitlines()
    assert expected in line
    assert not (stand_in / ".work" / "trees").exists()


def test_a_place_that_cannot_be_written_is_refused_at_the_start(
    stand_in: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (stand_in / ".work").mkdir(exist_ok=True)
    (stand_in / ".work" / "ratios").write_text("a file")
    assert compare.main(["--ratios", "0.25 0.5"]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_the_sentence_tasks_are_the_librarys() -> None:
    from headshrink.benchmarking.suite import TASKS

    assert set(figures.SENTENCE_TASKS) == {name for name, task in TASKS.items() if task.kind == "sentence"}


def test_ctrl_c_is_one_line_ends_the_stage_and_keeps_what_is_done(stand_in: Path) -> None:
    (stand_in / "distill.slow").touch()
    run(stand_in, "git", "add", "--force", "distill.slow")  # a worktree has what is committed
    run(stand_in, "git", "commit", "--quiet", "--message", "slow")
    process = subprocess.Popen(
        [sys.executable, "-m", "flows.compare", "--ratios", "0.25 0.5"], text=True, stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )  # fmt: skip
    [note] = until(lambda: list((stand_in / ".work").glob("trees/*/distill.pid")), 100, "distill starts")
    stage = int(until(note.read_text, 10, "its process is known"))
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=30)
    assert errors.splitlines() == ["interrupted; the same command continues from the stages that are done"]
    assert process.returncode == 130
    until(lambda: not alive(stage), 10, "the stage ends")
    assert (note.parent / "artifacts" / "pruned.txt").exists()


def test_a_comparison_that_ends_removes_what_others_left(stand_in: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And not the worktree of a run from Prefect's form, which would lose its checkpoint."""
    trees = stand_in / ".work" / "trees"
    for name, comparison in {"left": True, "form": False}.items():
        with ExitStack() as left:
            tree = left.enter_context(worktree(stand_in, {"prune": {"ratio": 0.1 if comparison else 0.2}}, print))
            if comparison:
                mark_comparison(tree)
            left.pop_all()  # as of a run that was killed
        tree.rename(trees / name)
    stand_in_for_work(monkeypatch)
    monkeypatch.setattr(compare, "log", lambda *_: None)
    compare.compare(stand_in, [0.25, 0.5])
    assert [tree.name for tree in trees.iterdir()] == ["form"]
    long_ago = time.time() - 8 * 24 * 3600
    os.utime(trees / "form" / "params.yaml", (long_ago, long_ago))
    with worktree(stand_in, {"prune": {"ratio": 0.3}}, print):
        assert not (trees / "form").exists()


def test_a_ratio_that_fails_is_named(stand_in: Path) -> None:
    (stand_in / "stage.py").write_text("import sys; sys.exit(3)")
    run(stand_in, "git", "commit", "--quiet", "--all", "--message", "broken")
    with pytest.raises(FlowError, match=r"the pipeline at ratio 0.25 failed"):
        compare.compare(stand_in, [0.25, 0.5])
