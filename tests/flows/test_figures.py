"""The figures that MLflow and Prefect show of a result."""

import json
from pathlib import Path

import pytest

from flows import figures

TIME = "time_ratio_b1_32tokens_1thread"
QUALITY = {
    "teacher": {"mean_s": 0.7, "mean_sw": 0.6, **{f"own_{i}": 0.1 for i in range(100)}},
    "pruned": {"mean_s": 0.5},
    "student": {"mean_s": 0.65, "mean_sw": 0.5, "mean_s_lower_95": -0.07, "teacher_cosine": 0.9},
    "static": {"mean_s": 0.6},
}
COST = {
    "machine": {"cores": 2},
    "teacher": {"latency_ms_b1": 4.0, "weights_mb": 100.0, "parameters": 2e6},
    "student": {
        "latency_ms_b1": 2.0, "latency_ratio_b1": 0.5, "weights_mb": 60.0, "parameters": 1e6, "gated": True,
        "throughput_b32_per_s": 1500.0, "peak_memory_mb": 300.0, "infinite": float("inf"),
        TIME: 0.5, f"{TIME}_low": 0.4, f"{TIME}_high": 0.6,
    },
}  # fmt: skip


@pytest.fixture
def result(tmp_path: Path) -> Path:
    (tmp_path / "artifacts/benchmark").mkdir(parents=True)
    (tmp_path / "artifacts/student").mkdir()
    (tmp_path / "artifacts/benchmark/quality.json").write_text(json.dumps(QUALITY))
    (tmp_path / "artifacts/benchmark/cost.json").write_text(json.dumps(COST))
    training = {"heldout_loss": 0.1, "heldout_cosine": 0.95, "steps": 700}
    (tmp_path / "artifacts/student/metrics.json").write_text(json.dumps(training))
    return tmp_path


def test_some_twenty_headlines_with_the_students_mean_first(result: Path) -> None:
    found = figures.headlines(result)
    assert len(figures.HEADLINES) + len(figures.HELD_OUT) + 1 <= 21
    assert min(found) == "student.mean_s", "the name that MLflow's compare view plots"
    assert found["student.mean_s"] == 0.65
    assert found["student.mean_s_before_training"] == 0.5
    assert found["student.time_ratio_b1_high"] == 0.6
    assert found["student.share_of_gap"] == pytest.approx(0.5)
    assert found["training.best_heldout_cosine"] == 0.95
    assert not any("own" in name or "machine" in name for name in found)


def test_a_result_without_a_pruned_model_has_no_figures_of_one(result: Path) -> None:
    quality = {model: found for model, found in QUALITY.items() if model != "pruned"}
    (result / "artifacts/benchmark/quality.json").write_text(json.dumps(quality))
    assert "student.mean_s_before_training" not in figures.headlines(result)
    assert list(figures.all_figures(result)) == ["figure", "teacher", "student", "static"]
    assert all("pruned" not in row for row in figures.comparison(result))


def test_without_a_floor_below_the_teacher_there_is_no_gap(result: Path) -> None:
    flat = QUALITY | {"static": {"mean_s": 0.7}}
    (result / "artifacts/benchmark/quality.json").write_text(json.dumps(flat))
    assert figures.SHARE not in figures.headlines(result)


def test_all_other_figures_are_in_a_table(result: Path) -> None:
    table = figures.all_figures(result)
    assert list(table) == ["figure", "teacher", "pruned", "student", "static"]
    row = table["figure"].index("own_42")
    assert [table[model][row] for model in ("teacher", "student")] == [0.1, None]
    assert "gated" not in table["figure"]
    assert "infinite" not in table["figure"]


def test_a_result_is_shown_by_ten_labelled_rows(result: Path) -> None:
    rows = figures.comparison(result)
    assert len(rows) == 10
    shown = {row["measure"]: row for row in rows}
    assert shown["Mean S"] == {"measure": "Mean S", "teacher": "0.700", "pruned": "0.500", "student": "0.650",
                               "static": "0.600"}  # fmt: skip
    assert shown["Latency ÷ teacher (95% interval)"]["student"] == "0.50 (0.40–0.60)"
    assert shown["Parameters, millions"]["student"] == "1.00"
    assert shown[figures.GAP_ROW]["student"] == "50%"
    assert not any("_" in row["measure"] for row in rows)
