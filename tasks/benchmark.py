"""Stage benchmark: encodechka's ten tasks and the cost, for student, pruned-only model and teacher in one run."""

import json
from pathlib import Path
from typing import Any

from pydantic import Field

from tasks.section import Section, name_from

MODELS = {"teacher": "teacher", "pruned": "pruned", "student": "export"}  # name: its folder under artifacts


class Params(Section):
    """What is measured."""

    tasks: list[name_from("benchmark/suite")] = Field(min_length=1, description="encodechka tasks, by name")  # type: ignore[valid-type]
    batch_size: int = Field(64, ge=1, description="texts a batch; scores do not depend on it")
    repeats: int = Field(20, ge=3, description="timed rounds a setting; models alternate, medians count")
    limit_s: float = Field(10, gt=0, description="seconds after which a setting's rounds end, settled or not")


def run(params) -> None:
    """Read the suite and the three models; write quality.json, scores.json and cost.json."""
    from headshrink.benchmark import cost
    from headshrink.benchmark.cache import ResultCache
    from headshrink.benchmark.evaluate import evaluate
    from headshrink.benchmark.models import TorchModel, folder_sha256
    from headshrink.benchmark.read import open_suite, read_sample
    from headshrink.benchmark.summary import details, quality
    from headshrink.model import load_encoder
    from tasks.stage import ARTIFACTS, WORK, output

    chosen = params.benchmark
    folders = {name: ARTIFACTS / folder for name, folder in MODELS.items()}
    suite, cache = open_suite(ARTIFACTS / "suite"), ResultCache(WORK / "benchmark")
    encoders = {name: load_encoder(folder) for name, folder in folders.items()}
    models = {name: TorchModel(name, encoders[name], folder_sha256(folders[name])) for name in folders}
    results = {name: evaluate(model, suite, chosen.tasks, chosen.batch_size, cache) for name, model in models.items()}
    costs = cost.measure(folders, encoders, "teacher", read_sample(suite), chosen.repeats, chosen.limit_s)
    with output(ARTIFACTS / "benchmark", "benchmark") as folder:
        write_json(folder / "quality.json", quality(results))
        write_json(folder / "scores.json", details(results, models, suite, "teacher"))
        write_json(folder / "cost.json", costs)


def write_json(path: Path, content: Any) -> None:
    path.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    from tasks.stage import main

    main(run, "benchmark")
