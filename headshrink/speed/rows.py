"""Time tricks in turns, and hold their embeddings to plain fp32."""

import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from headshrink.benchmark.timing import Setting, alternate, figures
from headshrink.cores import cores
from headshrink.errors import HeadshrinkError
from headshrink.export import Original
from headshrink.export.card import megabytes
from headshrink.export.gate import similarities
from headshrink.export.graph_encoder import padded
from headshrink.speed.tricks import TRICKS, Run

REFERENCE = "torch"
SETTINGS = (Setting(1, 8, 1), Setting(1, 128, 1), Setting(32, 32, 1), Setting(1, 32, None), Setting(32, 32, None))
BATCH = 16


@dataclass
class Row:
    """One trick's figures: `absent` says why there are none; `costs` are named as in cost.json.

    `startup_s`: from the model in memory to the first embedding, with export and compilation. `weights_mb`: what the
    trick keeps on disk; torch's rows count the parameters. Cosines are to eager fp32, over the sentences given.
    """

    title: str
    absent: str = ""
    startup_s: float = 0.0
    weights_mb: float = 0.0
    mean_cosine: float = 0.0
    lowest_cosine: float = 0.0
    costs: dict[str, float] = field(default_factory=dict)


def measure(
    model: Original,
    names: Sequence[str],
    sentences: Sequence[str],
    settings: Sequence[Setting] = SETTINGS,
    rounds: int = 20,
    limit_s: float = 5.0,
) -> dict[str, Row]:
    """Rows by name, eager fp32 first: it is what the others are compared with.

    Raises HeadshrinkError for a name that is no trick.
    """
    if unknown := sorted(set(names) - set(TRICKS)):
        raise HeadshrinkError(f"no speed rows called {', '.join(unknown)}: allowed are {', '.join(TRICKS)}")
    rows = {name: Row(TRICKS[name].title, TRICKS[name].missing()) for name in dict.fromkeys([REFERENCE, *names])}
    batches = [padded(ids, 0) for ids in batched(model.encoder.tokenise(sentences))]
    expected = None
    for threads in (1, cores()):
        runs = {}
        with tempfile.TemporaryDirectory() as place:
            for name in (name for name, row in rows.items() if not row.absent):
                folder = Path(place) / name
                folder.mkdir()
                started = time.perf_counter()
                runs[name] = TRICKS[name].start(model, folder, threads)
                runs[name](*batches[0])
                rows[name].startup_s = time.perf_counter() - started
                rows[name].weights_mb = megabytes(folder) or parameters_mb(model)
                found = np.concatenate([runs[name](*batch) for batch in batches])
                expected = found if expected is None else expected
                cosines = np.diag(similarities(found, expected))
                rows[name].mean_cosine, rows[name].lowest_cosine = float(cosines.mean()), float(cosines.min())
            for setting in settings:
                if (setting.threads or cores()) == threads:
                    time_rows(runs, rows, setting, rounds, limit_s)
    return rows


def time_rows(runs: dict[str, Run], rows: dict[str, Row], setting: Setting, rounds: int, limit_s: float) -> None:
    """All tricks in turns at one setting, on random ids: they decide nothing about time."""
    ids = np.random.default_rng(0).integers(5, 50, (setting.batch, setting.tokens))
    timings = alternate({name: partial(seconds, run, ids) for name, run in runs.items()}, REFERENCE, rounds, limit_s)
    for name in runs:
        rows[name].costs |= figures(timings, setting, name, REFERENCE)


def seconds(run: Run, ids: np.ndarray) -> float:
    mask = np.ones_like(ids)
    started = time.perf_counter()
    run(ids, mask)
    return time.perf_counter() - started


def batched(rows: Sequence[Any]) -> list[Any]:
    return [rows[start : start + BATCH] for start in range(0, len(rows), BATCH)]


def parameters_mb(model: Original) -> float:
    return sum(weight.nbytes for weight in model.encoder.parameters()) / 1e6
