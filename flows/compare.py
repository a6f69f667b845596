"""One student a prune ratio, then all of them timed against each other: `python -m flows.compare --ratios "0.25 0.5"`.

Every ratio runs in a worktree, so the stages before the cut run once, and the checkout stays as it is. Times from
different runs cannot be compared; that is why the students are timed again here, alternating.
"""

import argparse
import json
import sys
from collections import deque
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from flows import figures
from flows.checkout import FlowError, only_run
from flows.repro import child_environment, dvc, told
from flows.supervise import Supervised
from flows.track import LABELS, Untracked, add_to_run, track
from flows.worktree import Overrides, digest, keep_result, worktree
from tasks.tracking import WORK, main_checkout

TEACHER, STUDENT, SUITE = "artifacts/teacher", "artifacts/export", "artifacts/suite"


def compare(checkout: Path, ratios: list[float]) -> Path:
    """Run, time, draw and log the ratios; the folder with ratios.md and ratios.png.

    Raises FlowError where a ratio's pipeline or the timing fails.
    """
    target = main_checkout(checkout) / WORK / "ratios" / digest(ratios)
    target.mkdir(parents=True, exist_ok=True)
    Supervised.begin()
    with only_run(checkout, say), ExitStack() as worktrees:
        trees = {}
        for ratio in ratios:
            say(f"ratio {ratio:g}")
            trees[ratio] = worktrees.enter_context(worktree(checkout, at_ratio(ratio), say))
            run(dvc(trees[ratio], "repro"), f"the pipeline at ratio {ratio:g}")
        kept = {ratio: keep_result(checkout, tree) for ratio, tree in trees.items()}
        costs = time_together(trees, target / "cost.json")
    write_results(kept, costs, target / "results.json")
    module = ["-m", "headshrink.report.ratios"]
    command = [sys.executable, *module, str(target / "results.json"), str(target)]
    run(Supervised(command, checkout, child_environment()), "the picture of the ratios")
    log(kept, costs, [target / "ratios.md", target / "ratios.png"])
    return target


def at_ratio(ratio: float) -> Overrides:
    """The changes that make `ratio` count: separate ratios of heads and of FFN neurons would override it."""
    return {"prune": {"ratio": ratio, "heads": None, "ffn": None}}


def run(child: Supervised, what: str) -> None:
    """Show a child's lines until it ends; FlowError with the last one where it ends badly."""
    last: deque[str] = deque(maxlen=1)
    for line in told(child):
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
    return json.loads(target.read_text(encoding="utf-8"))


def write_results(kept: dict[float, Path], costs: dict[str, Any], target: Path) -> None:
    """The list that headshrink.report.ratios reads: the teacher at ratio 0, then a student a ratio."""
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


def log(kept: dict[float, Path], costs: dict[str, Any], files: list[Path]) -> None:
    """Every ratio as an MLflow run, with the figures measured together and the comparison beside its own."""
    try:
        for ratio, folder in kept.items():
            track(folder)
            add_to_run(folder, figures.together(costs[f"{ratio:g}"]), files)
    except Untracked as warning:
        print(f"warning: {warning}", file=sys.stderr)


def say(line: str) -> None:
    print(line, flush=True)


def parse_ratios(text: str) -> list[float]:
    """Ratios from words; FlowError unless there are two or more different ones in [0, 1)."""
    try:
        ratios = [float(word) for word in text.replace(",", " ").split()]
    except ValueError as error:
        raise FlowError(f"--ratios {text!r}: numbers in [0, 1) are needed") from error
    if len(set(ratios)) < 2 or len(set(ratios)) < len(ratios) or not all(0 <= ratio < 1 for ratio in ratios):
        raise FlowError(f"--ratios {text!r}: two or more different numbers in [0, 1) are needed")
    return ratios


def main(arguments: list[str] | None = None) -> int:
    """Exit 1 after one line where a ratio fails, 2 where the ratios are not allowed; Ctrl-C ends what runs."""
    parser = argparse.ArgumentParser(prog="python -m flows.compare", description="Compare students of several ratios.")
    parser.add_argument("--ratios", default="0.25 0.5 0.75", help="shares of heads and FFN neurons to cut")
    try:
        ratios = parse_ratios(parser.parse_args(arguments).ratios)
    except FlowError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    try:
        target = compare(Path.cwd(), ratios)
    except FlowError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    finally:
        Supervised.stop_all()
    print(f"\n{(target / 'ratios.md').read_text(encoding='utf-8')}\npicture: {target / 'ratios.png'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
