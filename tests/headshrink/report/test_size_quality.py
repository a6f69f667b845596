"""Quality against size, of any models that one run of the benchmark measured."""

import json
import sys

import pytest

from benchmarks import size_quality

RUN = {
    "quality": {"teacher": {"mean_s": 0.5}, "half": {"mean_s": 0.51}, "tenth": {"mean_s": 0.4}},
    "cost": {
        "machine": {"cpu": "a processor", "cores": 2, "instruction_set": "AVX2"},
        "date": "2026-11-22T01:02:03+00:00",
        "teacher": {"weights_mb": 50.0, "parameters": 25_000_000, "latency_ratio_b1": 1.0},  # its file is in fp16
        "half": {"weights_mb": 50.0, "parameters": 12_500_000, "latency_ratio_b1": 0.5},
        "tenth": {"weights_mb": 10.0, "latency_ratio_b1": 0.0567},
    },
}


def test_models_stand_by_size_and_the_teacher_counts_in_fp32(tmp_path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "run.json").write_text(json.dumps(RUN), encoding="utf-8")
    monkeypatch.setattr(sys, "argv", ["size_quality", str(tmp_path / "run.json"), "--out", str(tmp_path / "out")])
    size_quality.main()
    *_, tenth, half, teacher = (tmp_path / "out" / "size.md").read_text(encoding="utf-8").splitlines()
    assert tenth == "| tenth | 10.0 | 10.0 | 0.0567 | 0.4000 | 80.0% |"
    assert half == "| half | 50.0 | 2.0 | 0.5 | 0.5100 | 102.0% |"
    assert teacher == "| teacher | 100.0 | 1.0 | 1 | 0.5000 | 100.0% |"
    assert (tmp_path / "out" / "size.png").is_file()


def test_every_model_is_a_mark_with_its_name_in_both_panels():
    for axes, key in zip(size_quality.draw(size_quality.points(RUN)).axes, size_quality.COSTS, strict=True):
        marks = {tuple(line.get_xydata()[0]) for line in axes.lines if line.get_marker() == "o"}
        assert marks == {(point[key], point["mean_s"]) for point in size_quality.points(RUN).values()}
        assert {text.get_text() for text in axes.texts} == set(RUN["quality"])
