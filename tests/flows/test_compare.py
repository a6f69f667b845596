"""A comparison of ratios: shared stages once, one timing for all, the checkout left alone."""

import json
from pathlib import Path

import pytest
from conftest import run

from flows import compare
from flows.checkout import FlowError


@pytest.mark.parametrize("text", ["", "0.5", "0.5 0.5", "0.5 1", "0.5 -0.1", "a b", "0.5 nan"])
def test_ratios_that_make_no_comparison_are_refused(text: str) -> None:
    with pytest.raises(FlowError, match="--ratios"):
        compare.parse_ratios(text)


def test_a_ratio_counts_for_heads_and_neurons() -> None:
    """A params.yaml with `heads: 0.3` would otherwise prune the same heads at every ratio."""
    assert compare.at_ratio(0.25) == {"prune": {"ratio": 0.25, "heads": None, "ffn": None}}


def test_every_ratio_is_run_timed_once_and_logged(stand_in: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    timed: list[dict[float, Path]] = []

    def time_together(trees: dict[float, Path], target: Path) -> dict:
        timed.append(trees)
        assert all((tree / "artifacts/pruned.txt").exists() for tree in trees.values()), "all students at once"
        cost = {"latency_ms_b1": 1.0, "latency_ratio_b1": 1.0, "weights_mb": 2.0}
        return {"machine": {"cpu": "x"}, "date": "2026-01-01"} | dict.fromkeys(["teacher", "0.25", "0.5"], cost)

    logged: list[float] = []
    monkeypatch.setattr(compare, "time_together", time_together)
    monkeypatch.setattr(compare, "log", lambda kept, costs, files: logged.extend(kept))
    before = run(stand_in, "git", "status", "--porcelain"), (stand_in / "dvc.lock").read_bytes()
    target = compare.compare(stand_in, [0.25, 0.5])
    assert len(timed) == 1
    assert logged == [0.25, 0.5]
    results = json.loads((target / "results.json").read_text())
    assert [result["ratio"] for result in results] == [0, 0.25, 0.5]
    assert "0.25" in (target / "ratios.md").read_text()
    assert (target / "ratios.png").exists()
    assert before == (run(stand_in, "git", "status", "--porcelain"), (stand_in / "dvc.lock").read_bytes())
    assert not any((stand_in / ".work" / "trees").iterdir())


def test_a_ratio_that_fails_is_named(stand_in: Path) -> None:
    (stand_in / "stage.py").write_text("import sys; sys.exit(3)")
    run(stand_in, "git", "commit", "--quiet", "--all", "--message", "broken")
    with pytest.raises(FlowError, match=r"the pipeline at ratio 0.25 failed"):
        compare.compare(stand_in, [0.25, 0.5])
