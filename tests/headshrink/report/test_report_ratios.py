"""The comparison of prune ratios: a table and a picture from a list of results."""

import json
from pathlib import Path

import pytest

from headshrink.report.ratios import main, ratio_table

LABELS = {"teacher": "made-up teacher", "suite": "demo suite (generated)"}
RESULTS = [
    {"ratio": 0.5, "mean_s": 0.681, "pruned_mean_s": 0.54, "weights_mb": 91.6, "latency_ratio_b1": 0.58},
    {
        "ratio": 0,
        "mean_s": 0.703,
        "weights_mb": 112.8,
        "latency_ratio_b1": 1.0,
        "labels": LABELS,
        "generated": ["suite"],
    },
]


def run(results: object, folder: Path) -> int:
    (folder / "results.json").write_text(json.dumps(results), encoding="utf-8")
    try:
        return main([str(folder / "results.json"), str(folder / "out")])
    except SystemExit as ended:
        return int(ended.code or 0)


def test_ratios_stand_in_order_below_the_teacher(tmp_path: Path) -> None:
    assert run(RESULTS, tmp_path) == 0
    text = (tmp_path / "out/ratios.md").read_text(encoding="utf-8")
    rows = [line for line in text.splitlines() if line.startswith("| 0")]
    assert [row.split("|")[1].strip() for row in rows] == ["0 (teacher)", "0.5"]
    assert "0.681" in rows[1]
    assert "nothing about real text" in text
    assert "**made-up teacher**" in text
    assert (tmp_path / "out/ratios.png").read_bytes().startswith(b"\x89PNG")


def test_columns_that_nobody_measured_are_left_out() -> None:
    assert ratio_table(RESULTS).header == ["ratio cut", "mean S", "mean S, pruned only", "MB", "latency ÷ teacher"]


@pytest.mark.parametrize("results", [[], {}, [{"ratio": 0.5}], "ratio", [0.5]])
def test_what_is_no_list_of_results_is_one_line(results: object, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    assert run(results, tmp_path) == 2
    assert capsys.readouterr().err.count("\n") == 1
