"""What a whole run takes, before it is started: `python -m tasks.estimate` prints time, memory and disk per stage.

Every stage runs with the chosen parameters on a sample, in a process and a folder of its own. What it spends in loops
under a progress bar grows with the amount of work, by the ratios below; the rest (loading, writing) is the same in a
whole run.
"""

import os
import shutil
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from tasks import params
from tasks.estimate_sample import Sample, draw_sample, reduce_shards, reduce_suite
from tasks.params import Params, ParamsError
from tasks.yaml_file import read_sections

FOLDER = Path(".work/estimate")
MB_OF_KIB = 1024 / 1e6
TIMING = "timing"  # the bar of loops that end by the clock
LIBRARIES = ["datasets", "pandas", "sentence_transformers", "headshrink.model", "tasks.stage"]  # of nearly every stage
NOT_MEASURED = "not measured"


@dataclass(frozen=True)
class Cost:
    """What a stage takes: wall-clock seconds, peak memory of its process and size of its outputs in MB (10^6)."""

    seconds: float
    memory_mb: float
    disk_mb: float


@dataclass(frozen=True)
class Measured:
    """A stage on the sample; `bars` are its seconds under each progress bar, `start_mb` its memory at the start."""

    cost: Cost
    bars: dict[str, float]
    start_mb: float


Estimator = Callable[[Measured, Sample], Cost]


def by(loops: str = "", outputs: str = "", memory: str = "") -> Estimator:
    """The estimator of a stage whose loops, outputs and memory beyond the start grow by such ratios of the sample."""

    def estimate(measured: Measured, sample: Sample) -> Cost:
        ratio = sample.ratios[loops] if loops else 1
        seconds = measured.cost.seconds
        for bar, spent in measured.bars.items():
            seconds += max(0, sample.timing_s.get(loops, 0) - spent) if bar == TIMING else spent * (ratio - 1)
        grown_mb = (measured.cost.memory_mb - measured.start_mb) * (sample.ratios[memory] if memory else 1)
        disk_mb = measured.cost.disk_mb * (sample.ratios[outputs] if outputs else 1)
        return Cost(seconds, measured.start_mb + grown_mb, disk_mb)

    return estimate


ESTIMATORS: dict[str, Estimator] = {  # a stage of dvc.yaml: what of it grows with what
    "corpus": by("corpus", outputs="corpus", memory="corpus"),
    "teacher": by("teacher"),
    "tokenize": by("corpus", outputs="corpus"),
    "importance": by("importance"),
    "prune": by("prune"),
    "targets": by("targets", outputs="targets"),
    "distill": by("targets"),
    "static_baseline": by(),
    "export": by(),
    "benchmark": by("benchmark"),
    "speed": by("speed"),
    "report": by(),
}


def stages() -> dict[str, list[str]]:
    """The stages of dvc.yaml in their order, each with its outputs."""
    return {name: outputs(stage) for name, stage in read_sections(Path("dvc.yaml"))["stages"].items()}


def outputs(stage: dict[str, Any]) -> list[str]:
    """Paths of a stage's outs, metrics and plots."""
    found = [entry for kind in ("outs", "metrics", "plots") for entry in stage.get(kind, [])]
    return [entry if isinstance(entry, str) else next(iter(entry)) for entry in found]


@contextmanager
def timed_bars() -> Iterator[dict[str, float]]:
    """Seconds under each progress bar of the block, by its description; a bar within another does not count."""
    from headshrink.progress import Bar

    spent: dict[str, float] = {}
    opened: list[float] = []
    enter, leave = Bar.__enter__, Bar.__exit__

    def start(bar: Bar) -> Bar:
        opened.append(time.perf_counter())
        return enter(bar)

    def stop(bar: Bar, *exc: object) -> None:
        leave(bar, *exc)
        seconds = time.perf_counter() - opened.pop()
        if not opened:
            spent[bar.description] = spent.get(bar.description, 0) + seconds

    Bar.__enter__, Bar.__exit__ = start, stop  # type: ignore[method-assign]
    try:
        yield spent
    finally:
        Bar.__enter__, Bar.__exit__ = enter, leave  # type: ignore[method-assign]


def run_stage(name: str, parameters: Params, folder: Path, answer: Connection) -> None:
    """In a process of its own: run a stage in a folder; send its seconds and those of its bars, or its traceback."""
    from headshrink.benchmarking.probe import peak_resident_mb

    os.chdir(folder)
    with open(f"{name}.log", "w") as log:
        os.dup2(log.fileno(), 1)
        os.dup2(log.fileno(), 2)
    try:
        from tasks import live, stage

        live.LiveCurve = NoCurve  # type: ignore[misc,assignment]
        module, start_mb = import_module(f"tasks.{name}"), peak_resident_mb()
        unused = getattr(module, "run_unused", None)
        run = unused if unused and not stage.uses_pruned_model(parameters.distill.student.kind) else module.run
        with timed_bars() as bars:
            started = time.perf_counter()
            run(**stage.sections_of(run, parameters))
            seconds = time.perf_counter() - started
        answer.send((seconds, bars, start_mb, peak_resident_mb()))
    except BaseException:
        answer.send(traceback.format_exc())


class NoCurve:
    """In the place of the curve in MLflow: an estimate is no run."""

    def __init__(self, *_: object) -> None: ...

    def __enter__(self) -> "NoCurve":
        return self

    def __exit__(self, *_: object) -> None: ...

    def row(self, *_: object) -> None: ...


def measure(name: str, made: list[str], parameters: Params, folder: Path, start_s: float) -> Measured | str:
    """A stage on the sample, `start_s` for its imports included; the last line of its error where it fails."""
    context = get_context("forkserver")  # the libraries are imported once, in a process without threads
    context.set_forkserver_preload(LIBRARIES)
    answer, question = context.Pipe(duplex=False)
    process = context.Process(target=run_stage, args=(name, parameters, folder, question))
    process.start()
    question.close()
    try:
        found = answer.recv()
    except EOFError:
        found = f"{name} was killed"
    process.join()
    if isinstance(found, str):
        return found.strip().splitlines()[-1]
    seconds, bars, start_mb, peak_mb = found
    disk = sum(file.stat().st_size for path in made for file in files_of(folder / path)) / 1e6
    return Measured(Cost(start_s + seconds, peak_mb, disk), bars, start_mb)


def files_of(path: Path) -> list[Path]:
    return [file for file in path.rglob("*") if file.is_file()] if path.is_dir() else [path] if path.is_file() else []


def estimate(parameters: Params, folder: Path) -> Iterator[tuple[str, Cost | str]]:
    """The cost of each stage, as soon as it is measured; in place of a cost the reason why there is none."""
    started = time.perf_counter()
    import_libraries()
    start_s = time.perf_counter() - started
    sample = draw_sample(parameters, folder)
    prepare = {"tokenize": reduce_suite, "targets": reduce_shards}
    for name, made in stages().items():
        if name in prepare:
            prepare[name](sample, folder / "artifacts")
        measured = measure(name, made, sample.parameters, folder, start_s)
        if isinstance(measured, str):
            yield name, measured
            continue
        cost = ESTIMATORS[name](measured, sample)
        yield name, Cost(cost.seconds + (sample.reading_s if name == "corpus" else 0), cost.memory_mb, cost.disk_mb)


def import_libraries() -> None:
    """Import what each stage would, so that the time it takes is known."""
    for name in LIBRARIES:
        import_module(name)


def duration(seconds: float) -> str:
    """As in `45 s`, `12 min`, `3.5 h`."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 6000 else f"{seconds / 3600:.1f} h"


def line(name: str, cost: Cost) -> str:
    return f"{name:<18}{duration(cost.seconds):>9}{cost.memory_mb / 1000:>14.1f}{cost.disk_mb / 1000:>10.2f}"


def main() -> int:
    """Print the table; exit 2 after one line on a mistake."""
    from headshrink.errors import ends_in_one_line

    try:
        parameters = params.load()
    except ParamsError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print(f"{'stage':<18}{'time':>9}{'memory, GB':>14}{'disk, GB':>10}")
    found: list[Cost] = []
    shutil.rmtree(FOLDER, ignore_errors=True)
    with ends_in_one_line("estimate: "):
        for name, cost in estimate(parameters, FOLDER.resolve()):
            print(f"{name:<18}{NOT_MEASURED}: {cost}" if isinstance(cost, str) else line(name, cost), flush=True)
            found += [] if isinstance(cost, str) else [cost]
    total = (sum(cost.seconds for cost in found), max(cost.memory_mb for cost in found))
    print(line("all", Cost(*total, sum(cost.disk_mb for cost in found))))
    shutil.rmtree(FOLDER, ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
