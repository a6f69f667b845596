"""The benchmark's figures in a model card: written when a model is published, since an export is not yet measured."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from headshrink.benchmarking.intervals import complete_means
from headshrink.benchmarking.models import folder_sha256
from headshrink.errors import HeadshrinkError

TITLES = {"mean_s": "Mean S", "mean_sw": "Mean S+W"}
BEFORE = "\n\n## Forms"  # the section of the card that the figures stand above


def measured_card(folder: Path, scores: Path) -> str:
    """The folder's card with what a benchmark's scores.json says of the model in it.

    Raises HeadshrinkError where either cannot be read, or where the scores are of another model, by SHA-256.
    """
    try:
        card = (folder / "README.md").read_text(encoding="utf-8")
        found = json.loads(scores.read_text(encoding="utf-8"))
        names = {facts["sha256"]: name for name, facts in found["models"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        reason = " ".join(str(error).split())
        raise HeadshrinkError(
            f"no figures for the card ({reason}): an export and its scores.json are needed"
        ) from error
    model = names.get(folder_sha256(folder))
    if model is None or model == found["reference"]:
        raise HeadshrinkError(f"{scores} holds no scores of {folder} as it is now: benchmark it first")
    return with_figures(card, found, model)


def with_figures(card: str, scores: Mapping[str, Any], model: str) -> str:
    """A card with a section on quality, and where the data are real, with the hub's own listing of metrics."""
    header, body = card.removeprefix("---\n").split("\n---\n", 1)
    if not scores["suite"]["generated"]:
        header += "\n" + listing(scores, model)
    return f"---\n{header}\n---\n{body.replace(BEFORE, f'{chr(10) * 2}{section(scores, model)}{BEFORE}', 1)}"


def protocol(scores: Mapping[str, Any], model: str) -> dict[str, float]:
    """A model's means and scores by encodechka's protocol."""
    found = {task: facts["score"] for task, facts in scores["models"][model]["tasks"].items()}
    means = {mean: sum(found[task] for task in tasks) / len(tasks) for mean, tasks in complete_means(found).items()}
    return means | found


def section(scores: Mapping[str, Any], model: str) -> str:
    """The table: the model, its teacher, and the difference with its bounds."""
    mine, teacher = protocol(scores, model), protocol(scores, scores["reference"])
    rows = ["| task | this model | its teacher | difference | 95% bounds |", "|---|--:|--:|--:|---|"]
    for task, score in mine.items():
        bounds = scores["intervals"][model][task]
        change = f"{bounds['difference']:+.4f} | {bounds['lower_95']:+.4f} to {bounds['upper_95']:+.4f}"
        rows.append(f"| {TITLES.get(task, task.upper())} | {score:.4f} | {teacher[task]:.4f} | {change} |")
    table = "\n".join(rows)
    return f"""## Quality

encodechka's protocol, the maximum over poolings, on {scores["suite"]["label"]}. Bounds are one-sided 95% each, of a
paired bootstrap over the test items with {scores["resamples"]:,} resamples; another training would add its own spread.

{table}"""


def listing(scores: Mapping[str, Any], model: str) -> str:
    """The hub's `model-index`: a metric a task, and the means."""
    lines = ["model-index:", "- name: headshrink", "  results:", "  - task:", "      type: sentence-similarity"]
    lines += ["    dataset:", f"      name: {json.dumps(scores['suite']['label'])}", "      type: encodechka"]
    lines += ["    metrics:"]
    for task, score in protocol(scores, model).items():
        metric = scores["tasks"][task]["metric"] if task in scores["tasks"] else "mean"
        lines += [f"    - type: {json.dumps(metric)}", f"      name: {TITLES.get(task, task.upper())}"]
        lines += [f"      value: {score:.4f}"]
    return "\n".join(lines)
