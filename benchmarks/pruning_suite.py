"""The real encodechka, once, on the models that `pruning_grid` left: scores, share of the gap, size, latency.

All models get STS and ICX; those named in --whole all eight sentence tasks. The floor is the same model with every head
and neuron cut. Nothing is chosen by these figures. Latency: all models in turns, in one run. A killed run goes on.

    python -m benchmarks.pruning_suite --suite FOLDER --out reports/pruning
"""

import argparse
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks import _pruning as shared
from headshrink.benchmarking.cache import ResultCache
from headshrink.benchmarking.evaluate import evaluate
from headshrink.benchmarking.models import Model, open_model
from headshrink.benchmarking.read import open_suite
from headshrink.benchmarking.suite import TASKS
from headshrink.benchmarking.timing import Setting, time_setting

SHORT = ("sts", "icx")
SENTENCE_TASKS = tuple(name for name, task in TASKS.items() if task.kind == "sentence")
SETTINGS = (Setting(1, 32, 1), Setting(32, 32, 1))


def scored(folders: list[Path], arguments: argparse.Namespace) -> Iterator[tuple[str, dict[str, float]]]:
    """Scores of every model at the protocol's best pooling, and the mean where all its tasks were run."""
    suite, cache = open_suite(arguments.suite), ResultCache(arguments.work / "suite")
    for folder in folders:
        tasks = SENTENCE_TASKS if any(folder.name.startswith(name) for name in arguments.whole) else SHORT
        results = evaluate(open_model(folder, folder.name), suite, tasks, cache=cache)
        row = {task: result.best()[1] for task, result in results.items()}
        if tasks is SENTENCE_TASKS:
            row["mean_s"] = sum(row.values()) / len(row)
        print(folder.name, {key: round(value, 4) for key, value in row.items()}, flush=True)
        yield folder.name, row


def costs(folders: list[Path], limit_s: float) -> dict[str, dict[str, float]]:
    """Size, and latency as a ratio to the teacher at each setting."""
    models: dict[str, Model] = {folder.name: open_model(folder, folder.name) for folder in folders}
    found = {name: dict(model.size()) for name, model in models.items()}
    for setting in SETTINGS:
        timings = time_setting(models, "teacher", setting, 20, limit_s)
        for name in models:
            middle, low, high = timings.ratio(name, "teacher")
            found[name] |= {f"b{setting.batch}": middle, f"b{setting.batch}_low": low, f"b{setting.batch}_high": high}
    return found


def write(arguments: argparse.Namespace, scores: dict[str, Any], cost: dict[str, Any], facts: dict[str, Any]) -> None:
    """suite.json and suite.md."""
    content = json.dumps({"about": facts, "scores": scores, "cost": cost}, indent=1)
    (arguments.out / "suite.json").write_text(content + "\n", encoding="utf-8")
    teacher, floor = scores["teacher"], scores["floor"]
    lines = ["# Pruned only on the real encodechka, no training", "", shared.headline(facts), ""]
    lines += ["Gap: (pruned - floor) / (teacher - floor). Loss: teacher's mean S minus the model's.", ""]
    lines += ["| model | STS | gap | ICX | gap | mean S | of the teacher's | gap | loss |", "|---|" + "--:|" * 8]

    def gap(row: dict[str, float], key: str) -> str:
        return f"{(row[key] - floor[key]) / (teacher[key] - floor[key]):.1%}"

    for name, row in sorted(scores.items(), key=lambda item: -item[1]["sts"]):
        cells = [cell for task in SHORT for cell in (f"{row[task]:.4f}", gap(row, task))]
        if "mean_s" in row:
            share = f"{row['mean_s'] / teacher['mean_s']:.1%}"
            cells += [f"{row['mean_s']:.4f}", share, gap(row, "mean_s"), f"{teacher['mean_s'] - row['mean_s']:.4f}"]
        lines.append(f"| {name} | {' | '.join(cells)} |{'' if 'mean_s' in row else ' | | | |'}")
    lines += ["", "## Size, and time as a ratio to the teacher's (95% interval), 32 tokens, one thread", ""]
    lines += ["| model | parameters, M | weights, MB | batch 1 | batch 32 |", "|---|--:|--:|--:|--:|"]
    for name, row in cost.items():
        times = [f"{row[key]:.2f} ({row[f'{key}_low']:.2f}–{row[f'{key}_high']:.2f})" for key in ("b1", "b32")]
        lines.append(f"| {name} | {row['parameters'] / 1e6:.2f} | {row['weights_mb']:.1f} | {' | '.join(times)} |")
    (arguments.out / "suite.md").write_text("\n".join(lines) + "\n", encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--suite", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--work", type=Path, default=Path(".work/pruning"), help="as pruning_grid's")
    parser.add_argument("--models", nargs="+", help="only models whose name begins so")
    parser.add_argument("--whole", nargs="+", default=["teacher", "floor"], help="models for all sentence tasks")
    parser.add_argument("--timed", nargs="+", default=["teacher"], help="models to time, the teacher among them")
    parser.add_argument("--limit-s", type=float, default=20, help="seconds a timed setting may take")
    arguments = parser.parse_args()
    grid = json.loads((arguments.out / "grid.json").read_text(encoding="utf-8"))
    found = sorted(folder for folder in (arguments.work / "models").iterdir() if folder.is_dir())
    folders = [folder for folder in found if folder.name.startswith(tuple(arguments.models or [""]))]
    timed = [folder for folder in found if folder.name.startswith(tuple(arguments.timed))]
    scores = dict(scored(folders, arguments))
    about = grid["about"]
    facts = shared.about(
        teacher=about["teacher"], suite=f"{arguments.suite.name}, all of it", repair_text=about["pairs"]
    )
    write(arguments, scores, costs(timed, arguments.limit_s), facts)


if __name__ == "__main__":
    main()
