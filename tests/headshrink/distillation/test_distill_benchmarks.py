"""The benchmarks of distillation run from end to end on a tiny teacher, and go on where they stood."""

import itertools
import json
import sys

import pytest
from tiny_training import PLACES, SUBJECTS, VERBS

from benchmarks import distill_ablation, distill_speed
from headshrink.distillation.losses import LOSSES
from headshrink.model import save_encoder


@pytest.fixture
def call(tmp_path, tiny_encoder, monkeypatch):
    """A call of one benchmark's main on a tiny teacher and 96 pairs."""
    save_encoder(tiny_encoder, tmp_path / "teacher")
    clauses = itertools.product(SUBJECTS.items(), VERBS.items(), PLACES.items())
    lines = ["\t".join(" ".join(word[side] for word in clause).strip() for side in (0, 1)) for clause in clauses]
    more = [line.replace("\t", " and a dog\t") + " и собака" for line in lines]
    (tmp_path / "pairs").mkdir()
    (tmp_path / "pairs" / "a.tsv").write_text("\n".join(lines + more) + "\n", encoding="utf-8")

    def run(module, *words: str) -> None:
        folders = {"teacher": "teacher", "pairs": "pairs", "work": "work", "out": "out"}
        common = [word for name, place in folders.items() for word in (f"--{name}", str(tmp_path / place))]
        shape = ["--layers", "1", "--heads", "2", "--ffn", "16", "--rank", "8", "--batch-size", "16"]
        monkeypatch.setattr(sys, "argv", ["benchmark", *common, *shape, *words])
        module.main()

    return run


def test_the_ablation_keeps_what_it_has(call, tmp_path):
    call(distill_ablation, "--steps", "2", "--mlm-head-steps", "2", "--only", "cosine")
    path = tmp_path / "out" / "ablation.json"
    rows = json.loads(path.read_text())["rows"]
    assert {"untrained", "cosine alone", "all but cosine", "cosine + pkd", "cosine + mlm"} <= rows.keys()
    path.write_text(path.read_text().replace('"cosine alone"', '"kept"'))
    call(distill_ablation, "--steps", "2", "--mlm-head-steps", "2", "--only", "mse")
    later = json.loads(path.read_text())["rows"]
    assert rows["all but cosine"] == later["all but cosine"]
    assert {"kept", "mse alone"} <= later.keys()
    assert "| mse alone |" in (tmp_path / "out" / "ablation.md").read_text()


def test_ways_of_cutting_are_compared_at_one_size(call, tmp_path):
    call(distill_ablation, "--steps", "8", "--only", "cut")
    rows = json.loads((tmp_path / "out" / "ablation.json").read_text())["rows"]
    assert {"cut at once", "cut in 2 rounds", "cut in 4 rounds", "cut by masks learned in 0.6 of the steps"} < set(rows)
    assert len({row["parameters"] for name, row in rows.items() if name.startswith("cut")}) == 1


def test_every_loss_is_ablated():
    names = [name for name, _ in distill_ablation.variants(dict.fromkeys(LOSSES, 1.0))]
    assert {f"{name} alone" for name in LOSSES} < set(names)
    assert len(names) == len(set(names)) == 1 + 2 * len(LOSSES)


def test_the_speed_comparison_keeps_a_row_a_teacher(tmp_path, tiny_folder, monkeypatch):
    pairs = tmp_path / "pairs.tsv"
    pairs.write_text("the man runs\tмужчина бежит\na cat sleeps\tкошка спит\n" * 20, encoding="utf-8")
    words = ["--teacher", tiny_folder, "--pairs", pairs, "--count", 32, "--rounds", 1, "--out", tmp_path / "out"]
    monkeypatch.setattr(sys, "argv", ["benchmark", *map(str, words)])
    distill_speed.main()
    row = json.loads((tmp_path / "out" / "speed.json").read_text())[tiny_folder.name]
    assert row["times_as_fast"] == row["of_each_round"][0] > 0
    assert f"| {tiny_folder.name} | real | 32 x 1 |" in (tmp_path / "out" / "speed.md").read_text()
