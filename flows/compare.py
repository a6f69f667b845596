"""One student a prune ratio, then all of them timed against each other: `python -m flows.compare --ratios "0.25 0.5"`.

Every ratio runs in a worktree, so the stages before the cut run once, and the checkout stays as it is. Times from
different runs cannot be compared; that is why the students are timed again here, alternating.
"""

import argparse
import json
import sys
from collections import deque
from collections.abc import Callable
from contextlib import ExitStack
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from flows import figures
from flows.checkout import FlowError, only_run
from flows.repro import child_environment, dvc, stage_output
from flows.supervise import Supervised
from flows.track import LABELS, Untracked, add_to_run, track
from flows.worktree import (
    Overrides,
    digest,
    keep_result,
    mark_comparison,
    merged,
    read_parameters,
    remove_comparisons,
    worktree,
)
from tasks.params import Params, explain
from tasks.tracking import WORK, main_checkout

TEACHER, STUDENT, SUITE = "artifacts/teacher", "artifacts/export", "artifacts/suite"


class NotComparable(FlowError):
    """A comparison that cannot be made with these ratios and parameters."""


def compare(checkout: Path, ratios: list[float]) -> Path:
    """Run, time, log and draw the ratios; the folder with ratios.md and ratios.png.

    Results are logged before they are drawn. Raises NotComparable before any work, FlowError where a ratio's pipeline,
    the timing or the drawing fails.
    """
    check(checkout, ratios)
    target = results_folder(checkout, ratios)
    Supervised.begin()
    with only_run(checkout, say):
        with ExitStack() as worktrees:
            trees = {}
            for ratio in ratios:
                say(f"ratio {ratio:g}")
                trees[ratio] = worktrees.enter_context(worktree(checkout, at_ratio(ratio), say))
                mark_comparison(trees[ratio])
                run(dvc(trees[ratio], "repro"), f"the pipeline at ratio {ratio:g}")
            kept = {ratio: keep_result(checkout, tree) for ratio, tree in trees.items()}
            costs = time_together(trees, target / "cost.json")
        remove_comparisons(checkout, say)
    write_results(kept, costs, target / "results.json")
    log(kept, lambda ratio: figures.together(costs[f"{ratio:g}"]), [])
    module = ["-m", "headshrink.report.ratios"]
    command = [sys.executable, *module, str(target / "results.json"), str(target)]
    run(Supervised(command, checkout, child_environment()), "the picture of the ratios")
    log(kept, lambda _: {}, [target / "ratios.md", target / "ratios.png"])
    return target


def results_folder(checkout: Path, ratios: list[float]) -> Path:
    return main_checkout(checkout) / WORK / "ratios" / digest(ratios)


def check(checkout: Path, ratios: list[float]) -> None:
    """Refuse what would end a comparison late or make it empty: NotComparable before any stage runs."""
    for ratio in ratios:
        parameters = merged(read_parameters(checkout), at_ratio(ratio))
        try:
            valid = Params.model_validate(parameters)
        except ValidationError as error:
            raise NotComparable(f"params.yaml with ratio {ratio:g}: {explain(error, parameters)}") from error
    if (kind := valid.distill.student.kind) != "pruned":
        raise NotComparable(f"distill.student.kind = {kind}: no ratio changes it; pruned is needed")
    if missing := [task for task in figures.SENTENCE_TASKS if task not in valid.benchmark.tasks]:
        raise NotComparable(f"benchmark.tasks lacks {', '.join(missing)}: mean S of every student is compared")
    if not find_spec("matplotlib"):
        raise NotComparable("matplotlib is not installed, which draws the comparison")
    target = results_folder(checkout, ratios)
    try:
        target.mkdir(parents=True, exist_ok=True)
        (target / "cost.json").open("a").close()
    except OSError as error:
        raise NotComparable(f"{error.filename or target}: {error.strerror}; the comparison is written there") from error


def at_ratio(ratio: float) -> Overrides:
    """The changes that make `ratio` count: ratios of heads and of FFN neurons, or a budget, would override it."""
    return {"prune": {"ratio": ratio, "heads": None, "ffn": None, "budget": None}}


def run(child: Supervised, what: str) -> None:
    """Show a child's lines until it ends; FlowError with the last one where it ends badly."""
    last: deque[str] = deque(maxlen=1)
    for line in stage_output(child):
        print(line, flush=True)
        last.append(line)
    if child.status:
        raise FlowError(f"{what} failed: {' '.join(last)}")


def time_together(trees: dict[float, Path], target: Path) -> dict[str, Any]:
    """Costs of the teacher and of every student from one run, in a child process that may import torch."""
    first = next(iter(trees.values()))
    models = {"teacher": first / TEACHER} | {f"{ratio:g}": tree / STUDENT for ratio, tree in trees.items()}
    named = [f"{name}={folder}" for name, folder in models.items()]
    command = [sys.executable, "-m", "tasks.timing", str(target), str(first / SUITE), *named]
    run(Supervised(command, first, child_environment()), "the timing")
    costs: dict[str, Any] = json.loads(target.read_text(encoding="utf-8"))
    return costs


def write_results(kept: dict[float, Path], costs: dict[str, Any], target: Path) -> None:
    """The list that headshrink.report.ratios reads: the teacher at ratio 0, then one student per ratio."""
    quality = {ratio: figures.read(folder / figures.BENCHMARK / "quality.json") for ratio, folder in kept.items()}
    first = next(iter(kept))
    about = {name: figures.read(kept[first] / path) for name, path in LABELS.items()}
    labels = {name: str(content.get("label", "?")) for name, content in about.items()}
    generated = [name for name, content in about.items() if content.get("generated")]
    machine = costs.get("machine", {})
    shared = {"labels": labels | {"machine": machine.get("cpu", "?")}, "generated": generated}
    results = [{"ratio": 0, **quality[first]["teacher"], **costs["teacher"], **shared}]
    for ratio, scores in quality.items():
        pruned = {"pruned_mean_s": scores.get("pruned", {}).get("mean_s")}
        results.append({"ratio": ratio, **scores["student"], **pruned, **costs[f"{ratio:g}"], **shared})
    target.write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def log(kept: dict[float, Path], measured: Callable[[float], dict[str, float]], files: list[Path]) -> None:
    """Every ratio as an MLflow run, with what was measured of it and the comparison's files beside its own."""
    try:
        for ratio, folder in kept.items():
            track(folder)
            add_to_run(folder, measured(ratio), files)
    except Untracked as warning:
        print(f"warning: {warning}", file=sys.stderr)


def say(line: str) -> None:
    print(line, flush=True)


def parse_ratios(text: str) -> list[float]:
    """Ratios from words; NotComparable unless there are two or more different ones in [0, 1)."""
    try:
        ratios = [float(word) for word in text.replace(",", " ").split()]
    except ValueError as error:
        raise NotComparable(f"--ratios {text!r}: numbers in [0, 1) are needed") from error
    names = {f"{ratio:g}" for ratio in ratios}
    if len(names) < 2 or len(names) < len(ratios) or not all(0 <= ratio < 1 for ratio in ratios):
        raise NotComparable(f"--ratios {text!r}: two or more different numbers in [0, 1) are needed")
    return ratios


def main(arguments: list[str] | None = None) -> int:
    """Exit 1 after one line where a ratio fails, 2 where the comparison cannot be made, 130 on Ctrl-C."""
    parser = argparse.ArgumentParser(prog="python -m flows.compare", description="Compare students of several ratios.")
    parser.add_argument("--ratios", default="0.25 0.5 0.75", help="shares of heads and FFN neurons to cut")
    given = parser.parse_args(arguments).ratios
    try:
        target = compare(Path.cwd(), parse_ratios(given))
    except FlowError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2 if isinstance(error, NotComparable) else 1
    except KeyboardInterrupt:
        print("interrupted; the same command continues from the stages that are done", file=sys.stderr)
        return 130
    finally:
        Supervised.stop_all()
    print(f"\n{(target / 'ratios.md').read_text(encoding='utf-8')}\npicture: {target / 'ratios.png'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
