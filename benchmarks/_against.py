"""Two checkouts of this repository side by side: the trainer of each on the same pairs, in alternating rounds."""

import json
import os
import statistics
import subprocess
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import IO

# What a checkout's process does: its own benchmark makes teacher, student and pairs; each line read is one round.
DRIVER = """
import json, sys, time
import torch
from pathlib import Path
from benchmarks import distill_speed as own
job = json.loads(sys.stdin.readline())
teacher = (own.random_encoder if job["random"] else own.load_encoder)(Path(job["teacher"]))
precision = own.resolve(job["precision"], teacher.device)
recipe = own.Recipe(own.WEIGHTS, epochs=1, learning_rate=1e-5, evaluations=1, precision=precision)
pairs, _ = own.teach(teacher, [tuple(text) for text in job["texts"]], precision)
print(precision, flush=True)
for _ in sys.stdin:
    torch.manual_seed(0)
    student, started = own.half(teacher), time.process_time()
    seconds = own.trainer_seconds(student, pairs, recipe)
    print(json.dumps([seconds, time.process_time() - started]), flush=True)
"""


class Side:
    """The process of one checkout. `round` gives the wall and CPU seconds of one pass over the pairs."""

    def __init__(self, checkout: Path, job: dict[str, object], contexts: ExitStack) -> None:
        environment = {**os.environ, "PYTHONPATH": str(checkout.resolve())}
        process = subprocess.Popen(
            [sys.executable, "-c", DRIVER], cwd=checkout, env=environment, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )  # fmt: skip
        contexts.enter_context(process)
        contexts.callback(process.kill)
        self.send, self.answers = process.stdin, process.stdout
        self.precision = self.ask(json.dumps(job)).strip()

    def ask(self, line: str) -> str:
        send, answers = opened(self.send), opened(self.answers)
        send.write(line + "\n")
        send.flush()
        answer = answers.readline()
        if not answer:
            raise SystemExit("a checkout's process ended: its message stands above")
        return answer

    def round(self) -> tuple[float, float]:
        wall, cpu = json.loads(self.ask("round"))
        return wall, cpu


def opened(stream: IO[str] | None) -> IO[str]:
    if stream is None:
        raise SystemExit("no pipe to a checkout's process")
    return stream


def compare(now: Path, then: Path, job: dict[str, object], rounds: int) -> dict[str, object]:
    """Time of checkout `now` over that of `then`, of each round and as a median, after a first round that warms up."""
    with ExitStack() as contexts:
        sides = [Side(checkout, job, contexts) for checkout in (now, then)]
        for side in sides:
            side.round()
        times = [
            [side.round() for side in (sides if i % 2 else sides[::-1])][:: 1 if i % 2 else -1] for i in range(rounds)
        ]
        wall, cpu = ([one[unit] / other[unit] for one, other in times] for unit in (0, 1))
        return {
            "rounds": rounds,
            "precision": sides[0].precision,
            "seconds": {
                name: round(statistics.median(t[i][0] for t in times), 2) for i, name in enumerate(("now", "then"))
            },
            "wall_ratio": spread(wall),
            "cpu_ratio": spread(cpu),
        }


def spread(ratios: Sequence[float]) -> dict[str, object]:
    """The median of some ratios, its quartiles, and all of them."""
    quartiles = statistics.quantiles(ratios, n=4) if len(ratios) > 1 else [ratios[0]] * 3
    names = ("quarter", "median", "three_quarters")
    return {
        **{name: round(value, 4) for name, value in zip(names, quartiles, strict=True)},
        "of_each_round": [round(ratio, 3) for ratio in ratios],
    }
