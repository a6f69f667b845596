"""What the demo promises with its committed parameters: room below the teacher, a fall when cut, a way back up."""

import json

import pytest
from project import Project

pytestmark = pytest.mark.timeout(900)


@pytest.fixture(scope="module")
def scores(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, float]]:
    """The demo's scores, and those of its teacher before the first step of training."""
    from demo.teacher import untrained_teacher
    from headshrink.benchmarking.models import open_model
    from headshrink.benchmarking.read import open_suite
    from headshrink.benchmarking.run import run
    from headshrink.model import save_encoder
    from headshrink.parameters.benchmark import BenchmarkParams
    from tasks.teacher import training_pairs

    project = Project(tmp_path_factory.mktemp("demo") / "checkout", changes={})
    project.repro()
    artifacts, untrained = project.folder / "artifacts", project.folder / "untrained"
    texts = [text for pair in training_pairs(artifacts / "corpus" / "train.parquet") for text in pair]
    save_encoder(untrained_teacher(texts, seed=0), untrained)
    models = {"untrained": open_model(untrained, "untrained")}
    before = run(models, open_suite(artifacts / "suite"), BenchmarkParams().tasks).quality
    return json.loads((artifacts / "benchmark" / "quality.json").read_text(encoding="utf-8")) | before


def test_an_untrained_model_is_far_below_the_teacher(scores: dict[str, dict[str, float]]) -> None:
    assert scores["untrained"]["mean_s"] < scores["teacher"]["mean_s"] - 0.10


def test_an_untrained_model_is_near_chance_across_languages(scores: dict[str, dict[str, float]]) -> None:
    assert scores["untrained"]["icx"] < 0.15  # one of 23 intents is 0.04
    assert scores["teacher"]["icx"] > 0.6


def test_cutting_costs_and_distilling_repairs(scores: dict[str, dict[str, float]]) -> None:
    teacher, pruned, student = (scores[name]["mean_s"] for name in ("teacher", "pruned", "student"))
    assert pruned < teacher - 0.01
    assert student > pruned + 0.01
