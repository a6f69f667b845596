"""Stage benchmark: encodechka's ten tasks and the cost of teacher, pruned-only model, student and static baseline."""

import json
import shutil
from pathlib import Path
from typing import Any

from headshrink.parameters.benchmark import BenchmarkParams
from headshrink.parameters.section import given_path

# name: its folder under artifacts
MODELS = {"teacher": "teacher", "pruned": "pruned", "student": "export", "static": "static_baseline"}


def run(benchmark: BenchmarkParams) -> None:
    """Read the suite and the models that there are; write quality.json, scores.json, sentences.json and cost.json."""
    from headshrink.benchmarking import cost
    from headshrink.benchmarking.cache import UNFINISHED, ResultCache
    from headshrink.benchmarking.models import open_model
    from headshrink.benchmarking.read import open_suite, read_sample
    from headshrink.benchmarking.run import run as score
    from headshrink.model import best_device
    from headshrink.model.device import CPU
    from headshrink.output import new_folder
    from tasks.machine import machine
    from tasks.stage import ARTIFACTS, WORK
    from tasks.unused import is_used

    known = WORK / "benchmark"
    suite = open_suite(ARTIFACTS / "suite")
    folders = {name: ARTIFACTS / folder for name, folder in MODELS.items()}
    models = {name: open_model(folder, name, best_device()) for name, folder in folders.items() if is_used(folder)}
    extra = {"pairs": given_path(benchmark.pairs), "graded": given_path(benchmark.graded)}
    found = score(models, suite, benchmark.tasks, benchmark.batch_size, ResultCache(known), **extra)
    for model in models.values():  # cost.json's times are the CPU's; those of a GPU are rows of the stage speed
        model.to(CPU)
    with machine.timing("benchmark"):
        costs = cost.measure(models, "teacher", read_sample(suite), benchmark.repeats, benchmark.limit_s)
    shutil.rmtree(known / UNFINISHED, ignore_errors=True)  # of killed runs of other models
    with new_folder(ARTIFACTS / "benchmark") as folder:
        write_json(folder / "quality.json", found.quality)
        write_json(folder / "scores.json", found.details)
        write_json(folder / "sentences.json", found.sentences["student"])
        write_json(folder / "cost.json", costs)


def write_json(path: Path, content: Any) -> None:
    path.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    from tasks.stage import main

    main(run, "benchmark", "benchmark")
