"""Stage benchmark: encodechka's ten tasks and the cost of teacher, pruned-only model, student and floor in one run."""

import json
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from tasks.section import MAX_BATCH, NOTHING, Once, Section, name_from

# name: its folder under artifacts
MODELS = {"teacher": "teacher", "pruned": "pruned", "student": "export", "static": "floor"}


class Params(Section):
    """What is measured."""

    tasks: Annotated[list[name_from("benchmarking/suite")], Once] = Field(  # type: ignore[valid-type]
        ["sts", "pi", "nli", "sa", "ti", "ia", "ic", "icx", "ne1", "ne2"],
        min_length=1,
        description="encodechka tasks, by name",
    )
    batch_size: int = Field(64, ge=1, le=MAX_BATCH, description="texts per batch; scores do not depend on it")
    repeats: int = Field(
        20, ge=3, le=10_000, description="timed rounds per setting; models alternate, the median counts"
    )
    pairs: str = Field(
        NOTHING,
        description="file of pairs (English TAB Russian) for translation retrieval; profiles/none: not measured",
    )
    graded: str = Field(
        NOTHING,
        description="CSV of sentence1,sentence2,similarity_score for graded similarity; profiles/none: not measured",
    )
    limit_s: float = Field(
        10, gt=0, le=86_400, description="maximum seconds per setting; rounds end earlier when ratios are known to 5%"
    )


def run(params) -> None:
    """Read the suite and the models that there are; write quality.json, scores.json, sentences.json and cost.json."""
    from headshrink.benchmarking import cost
    from headshrink.benchmarking.cache import ResultCache
    from headshrink.benchmarking.models import open_model
    from headshrink.benchmarking.read import open_suite, read_sample
    from headshrink.benchmarking.run import run as score
    from headshrink.output import new_folder
    from tasks.machine import machine
    from tasks.stage import ARTIFACTS, WORK
    from tasks.unused import is_used

    chosen, suite = params.benchmark, open_suite(ARTIFACTS / "suite")
    folders = {name: ARTIFACTS / folder for name, folder in MODELS.items()}
    models = {name: open_model(folder, name) for name, folder in folders.items() if is_used(folder)}
    extra = {"pairs": local(chosen.pairs), "graded": local(chosen.graded)}
    found = score(models, suite, chosen.tasks, chosen.batch_size, ResultCache(WORK / "benchmark"), **extra)
    with machine.timing("benchmark"):
        costs = cost.measure(models, "teacher", read_sample(suite), chosen.repeats, chosen.limit_s)
    with new_folder(ARTIFACTS / "benchmark") as folder:
        write_json(folder / "quality.json", found.quality)
        write_json(folder / "scores.json", found.details)
        write_json(folder / "sentences.json", found.sentences["student"])
        write_json(folder / "cost.json", costs)


def local(path: str) -> Path | None:
    return None if path == NOTHING else Path(path)


def write_json(path: Path, content: Any) -> None:
    path.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    from tasks.stage import main

    main(run, "benchmark", "benchmark")
