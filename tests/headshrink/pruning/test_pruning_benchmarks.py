"""The benchmarks of pruning run from end to end on a tiny teacher."""

import json
import sys

import pytest

from benchmarks import gate_truth, pruning_speed

WORDS = {"man": "мужчина", "cat": "кошка", "dog": "собака", "woman": "женщина"}
VERBS = {"runs": "бежит", "sleeps": "спит", "reads": "читает", "sees": "видит"}


@pytest.fixture
def pairs(tmp_path):
    lines = [f"the {n} {v} in the {m}\t{WORDS[n]} {VERBS[v]} в {WORDS[m]}" for n in WORDS for v in VERBS for m in WORDS]
    (tmp_path / "pairs.tsv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return tmp_path / "pairs.tsv"


def call(monkeypatch, module, *words) -> None:
    monkeypatch.setattr(sys, "argv", ["benchmark", *map(str, words)])
    module.main()


def test_every_head_is_closed_and_every_criterion_compared(tiny_folder, pairs, tmp_path, monkeypatch):
    out = tmp_path / "out"
    options = ["--teacher", tiny_folder, "--pairs", pairs, "--out", out]
    call(monkeypatch, gate_truth, *options, "--batches", 2, "--batch-size", 8)
    content = json.loads((out / "truth.json").read_text())
    assert content["about"]["heads"] == len((out / "truth.csv").read_text().splitlines()) - 1
    assert {"taylor, translation_ranking", "obs, teacher_distance"} <= content["rows"].keys()


def test_the_cost_of_each_step_is_measured(tiny_folder, pairs, tmp_path, monkeypatch):
    options = ["--teacher", tiny_folder, "--pairs", pairs, "--out", tmp_path / "cost.json", "--criteria", "taylor"]
    call(monkeypatch, pruning_speed, *options, "--batches", 1, "--rounds", 1, "--scoring", 32, "--repair", 32)
    figures = json.loads((tmp_path / "cost.json").read_text())["figures"]
    assert {"throughput_taylor", "importance_s", "surgery_s", "repair_s", "peak_memory_gb"} <= figures.keys()
