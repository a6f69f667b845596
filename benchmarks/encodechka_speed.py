"""The ten tasks of encodechka by headshrink against one text at a time, as the original does it; in one run, in fp32.

The plain side is the tests' transcription of the protocol: a forward pass for every text that a task names, however
often, then scikit-learn as it comes, all with torch's and BLAS's own number of threads. Embeddings and classifiers are
timed apart, before and after the plain side, and both times must give the same scores. `--share` takes that part of
every file's rows, at random; a share favours neither side but in the repetitions that it loses, which the plain side
pays for.

    python benchmarks/encodechka_speed.py MODEL SUITE [--share 0.1] [--random] [--fast-only] [--out FILE.md]

`--random` takes the folder's shape with random weights; `--fast-only` skips the plain side, to see the peak of memory.
"""

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import pandas as pd
import torch

from headshrink.benchmarking import evaluate as fast
from headshrink.benchmarking.machine import describe
from headshrink.benchmarking.models import TorchModel
from headshrink.benchmarking.probe import peak_resident_mb
from headshrink.benchmarking.read import open_suite
from headshrink.benchmarking.suite import TASKS
from headshrink.data.text.lines import read_text
from headshrink.model import SentenceEncoder, load_encoder, random_encoder

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests" / "headshrink" / "benchmark"))
import naive_encodechka as plain

Seconds = dict[str, float]


def write_share(suite: Path, folder: Path, share: float, seed: int = 0) -> None:
    """A part of every file's rows."""
    for path in suite.glob("*.csv"):
        rows = pd.read_csv(path, keep_default_na=False).sample(frac=share, random_state=seed)
        rows.to_csv(folder / path.name, index=False)
    for path in suite.glob("*.json"):
        data = json.loads(read_text(path))
        if "texts" in data:
            rows = pd.DataFrame(data).sample(frac=share, random_state=seed)
            (folder / path.name).write_text(json.dumps(rows.to_dict("list"), ensure_ascii=False), encoding="utf-8")


@contextmanager
def timed(module: ModuleType, names: list[str]) -> Iterator[Seconds]:
    """Seconds spent in functions of a module, together under `embeddings`, while the block runs."""
    spent = {"embeddings": 0.0}
    originals = {name: getattr(module, name) for name in names}

    def timing(function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any) -> Any:
            started = time.perf_counter()
            result = function(*args)
            spent["embeddings"] += time.perf_counter() - started
            return result

        return call

    for name, function in originals.items():
        setattr(module, name, timing(function))
    try:
        yield spent
    finally:
        for name, function in originals.items():
            setattr(module, name, function)


def run_fast(encoder: SentenceEncoder, suite: Path) -> tuple[dict[str, float], Seconds]:
    with timed(fast, ["embed", "word_vectors"]) as spent:
        started = time.perf_counter()
        results = fast.evaluate(TorchModel("model", encoder, suite), open_suite(suite), list(TASKS))
        scores = {task: result.best()[1] for task, result in results.items()}
        spent["all"] = time.perf_counter() - started
    return scores, spent


def run_plain(encoder: SentenceEncoder, suite: Path) -> tuple[dict[str, float], Seconds]:
    with timed(plain, ["poolings", "word_rows"]) as spent:
        started = time.perf_counter()
        scores = {task: max(plain.evaluate(encoder, suite, task).values()) for task in TASKS}
        spent["all"] = time.perf_counter() - started
    return scores, spent


def show(spent: Seconds, title: str) -> Seconds:
    spent["classifiers"] = spent["all"] - spent["embeddings"]
    print(f"{title:>12}: " + ", ".join(f"{name} {seconds:.1f} s" for name, seconds in spent.items()), flush=True)
    return spent


def tables(ours: list[Seconds], theirs: Seconds, scores: dict[str, float], plain_scores: dict[str, float]) -> str:
    """Times and their ratios, then the scores, as Markdown."""
    lines = ["| | headshrink, s | again, s | one by one, s | ratio |", "|---|--:|--:|--:|--:|"]
    for part, seconds in theirs.items():
        own = [run[part] for run in ours]
        ratio = seconds * len(own) / sum(own)
        lines.append(f"| {part} | {' | '.join(f'{value:.1f}' for value in own)} | {seconds:.1f} | {ratio:.2f}x |")
    lines += ["", "| task | headshrink | one by one | difference |", "|---|--:|--:|--:|"]
    for task, score in scores.items():
        plain_score = plain_scores[task]
        lines.append(f"| {task.upper()} | {score:.5f} | {plain_score:.5f} | {score - plain_score:+.5f} |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("suite", type=Path)
    parser.add_argument("--share", type=float, default=1.0)
    parser.add_argument("--random", action="store_true")
    parser.add_argument("--fast-only", action="store_true")
    parser.add_argument("--out", type=Path, help="Markdown file of the tables")
    options = parser.parse_args()
    encoder = (random_encoder if options.random else load_encoder)(options.model)
    place = describe()
    about = f"{options.model.name}; {place['cpu']}, {place['cores']} cores, {place['instruction_set']}, " + (
        f"torch threads {torch.get_num_threads()}; {options.share:.0%} of the suite's rows"
    )
    print(about, flush=True)
    with tempfile.TemporaryDirectory() as folder:
        write_share(options.suite, Path(folder), options.share)
        scores, spent = run_fast(encoder, Path(folder))
        ours = [show(spent, "headshrink")]
        print(f"peak memory {peak_resident_mb():.0f} MB")
        if options.fast_only:
            return
        plain_scores, theirs = run_plain(encoder, Path(folder))
        show(theirs, "one by one")
        again, spent = run_fast(encoder, Path(folder))
        ours.append(show(spent, "again"))
    text = tables(ours, theirs, scores, plain_scores)
    text += f"\n\nBoth runs of headshrink gave the same scores: {'yes' if again == scores else 'no'}."
    print(text)
    if options.out:
        options.out.parent.mkdir(parents=True, exist_ok=True)
        note = "Rows are shuffled: tasks that train on them give other scores than on the files as they are."
        title = "# The ten tasks, and one text at a time"
        options.out.write_text(f"{title}\n\n{about}\n\n{note}\n\n{text}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
