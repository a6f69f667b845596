"""The estimate: every stage has one, it grows as the work does, and the sample's stages are the real ones."""

import random
import shutil
from pathlib import Path

import pytest
import yaml

from tasks import estimate, params
from tasks.estimate import ESTIMATORS, Cost, Measured, by
from tasks.estimate_sample import Sample
from tasks.params import Params

ROOT = Path(__file__).parents[2]
MEASURED = Measured(Cost(10, 600, 20), {"cleaning": 2, "timing": 1}, start_mb=500)


@pytest.fixture
def parameters() -> Params:
    return params.load(ROOT / "params.yaml")


def test_every_stage_of_dvc_has_an_estimator():
    assert list(ESTIMATORS) == list(yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"])


def test_loops_grow_with_the_work_and_the_rest_does_not(parameters: Params):
    sample = Sample(parameters, {"corpus": 50}, timing_s={"corpus": 30})
    cost = by("corpus", outputs="corpus", memory="corpus")(MEASURED, sample)
    assert cost.seconds == pytest.approx(7 + 2 * 50 + 30)  # the rest, the loop, the clock's time
    assert (cost.memory_mb, cost.disk_mb) == (500 + 100 * 50, 20 * 50)
    assert by()(MEASURED, sample).seconds == 10


def test_stages_of_a_tiny_profile_are_measured_and_grow_with_its_pairs(tmp_path: Path, monkeypatch, parameters: Params):
    monkeypatch.chdir(tmp_path)
    shutil.copytree(ROOT / "profiles", "profiles")
    chance, words = random.Random(0), "cat dog house tree man runs sees big small green old new".split()
    pairs = {(" ".join(chance.sample(words, 6)), " ".join(chance.sample(["кот", "дом", "сад", "лес", "мяч"], 4)))
             for _ in range(400)}  # fmt: skip
    Path("pairs.tsv").write_text("".join(f"{en}\t{ru}\n" for en, ru in pairs), encoding="utf-8")
    sections = parameters.model_dump(exclude_unset=True) | {"corpus": {"source": "parallel", "path": "pairs.tsv"}}
    monkeypatch.setattr("tasks.estimate_sample.CORPUS_PAIRS", 200)
    measured = ["corpus", "teacher", "tokenize", "targets"]
    monkeypatch.setattr(estimate, "stages", lambda: {name: [f"artifacts/{name}"] for name in measured})
    found = dict(estimate.estimate(Params.model_validate(sections), tmp_path / "estimate"))
    assert list(found) == measured
    assert all(isinstance(cost, Cost) and cost.seconds > 0 and cost.memory_mb > 50 for cost in found.values()), found
    assert len((tmp_path / "estimate" / "pairs.tsv").read_text().splitlines()) <= 201
