"""Time ways of running models in turns, and hold their embeddings to plain fp32."""

import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np

from headshrink.benchmarking.read import Suite
from headshrink.benchmarking.size import of_weights
from headshrink.benchmarking.timing import Setting, Timings, alternate, figures, ratio_figures
from headshrink.cores import cores
from headshrink.errors import HeadshrinkError
from headshrink.exporting import TARGETS, Options, Original
from headshrink.exporting.card import form_weights
from headshrink.exporting.graph_encoder import Run
from headshrink.metrics import cosines
from headshrink.padding import padded
from headshrink.parameters.speed import DEFAULTS
from headshrink.progress import track
from headshrink.speed.fresh import figures as figures_afresh
from headshrink.speed.fresh import start_server, whole
from headshrink.speed.scores import mean_s
from headshrink.speed.tricks import TRICKS

REFERENCE = "torch"
SETTINGS = (
    Setting(1, 32, 1),
    *(Setting(batch, tokens, threads) for threads in (1, None) for batch in (1, 32) for tokens in (8, 128)),
)
BATCH = 16

Key = str  # a model's name and a trick's, as in `student/onnx`


@dataclass(frozen=True)
class TimedModel:
    """A model to be run in every way.

    `forms` are the folders of forms that exist, by export target; the others are written for the time being, with
    default options and no gate. `refused` says of targets why a gate kept them out.
    """

    model: Original
    forms: Mapping[str, Path] = field(default_factory=dict)
    refused: Mapping[str, str] = field(default_factory=dict)


@dataclass
class Row:
    """One way of running one model: `absent` says why there are no figures, which else are flat, with their units.

    `startup_s` and `memory_mb` as `fresh.measure` says; `weights_mb`: on disk; `mean_cosine` and `lowest_cosine` to the
    same model in eager fp32, over the sentences given; `mean_s` where a suite was given; then times as cost.json names
    them. `time_ratio_...` is to the same model in eager fp32; `time_ratio_to_first_...` to the first model in eager
    fp32; `time_ratio_alike_...` to the first model run in the same way. Below 1 is faster.
    """

    title: str
    absent: str = ""
    figures: dict[str, float] = field(default_factory=dict)


def measure(
    subjects: Mapping[str, TimedModel],
    names: Sequence[str],
    sentences: Sequence[str],
    settings: Sequence[Setting] = SETTINGS,
    rounds: int = DEFAULTS.repeats,
    limit_s: float = DEFAULTS.limit_s,
    suite: Suite | None = None,
) -> dict[str, dict[str, Row]]:
    """Rows by model and trick, all timed in turns; eager fp32, which they are compared with, is always among them.

    Settings longer than a model's limit are left out. Raises HeadshrinkError for a name that is no trick.
    """
    if unknown := sorted(set(names) - set(TRICKS)):
        raise HeadshrinkError(f"no speed rows called {', '.join(unknown)}: allowed are {', '.join(TRICKS)}")
    rows = {name: empty_rows(subject, [REFERENCE, *names]) for name, subject in subjects.items()}
    longest = min(subject.model.encoder.max_length for subject in subjects.values())
    settings = [setting for setting in settings if setting.tokens <= longest]
    with tempfile.TemporaryDirectory() as place:
        start_server()
        folders = {key: form(subjects, key, Path(place)) for key, row in present(rows)}
        for key, row in track(present(rows), "starting each way afresh"):
            row.figures |= alone(key, folders[key], longest)
        for threads in dict.fromkeys((1, cores())):
            runs = {key: TRICKS[trick(key)].open(folder, threads) for key, folder in folders.items()}
            for setting in track([one for one in settings if (one.threads or cores()) == threads], "timing"):
                time_rows(runs, rows, setting, rounds, limit_s)
        hold_to_eager(runs, rows, subjects, sentences)
        score(runs, rows, subjects, suite)
    return rows


def empty_rows(subject: TimedModel, names: Sequence[str]) -> dict[str, Row]:
    return {
        name: Row(TRICKS[name].title, TRICKS[name].missing() or subject.refused.get(TRICKS[name].form, ""))
        for name in dict.fromkeys(names)
    }


def present(rows: Mapping[str, Mapping[str, Row]]) -> list[tuple[Key, Row]]:
    """The rows that can be run here."""
    return [(f"{name}/{way}", row) for name, ways in rows.items() for way, row in ways.items() if not row.absent]


def trick(key: Key) -> str:
    return key.partition("/")[2]


def form(subjects: Mapping[str, TimedModel], key: Key, place: Path) -> Path:
    """The folder that a row reads, written where there is none; rows of one form share it."""
    name, target = key.partition("/")[0], TRICKS[trick(key)].form
    if target in subjects[name].forms:
        return subjects[name].forms[target]
    folder = place / name / target
    if not folder.exists():
        TARGETS[target].write(subjects[name].model, folder, Options())
    return folder


def alone(key: Key, folder: Path, longest: int) -> dict[str, float]:
    """What a row costs beside time: start-up and memory in a process of its own, bytes on disk."""
    return figures_afresh(trick(key), folder, longest) | of_weights(form_weights(folder))


def time_rows(
    runs: Mapping[Key, Run], rows: Mapping[str, Mapping[str, Row]], setting: Setting, rounds: int, limit_s: float
) -> None:
    """All rows in turns at one setting, on random ids: they decide nothing about time."""
    ids = np.random.default_rng(0).integers(5, 50, (setting.batch, setting.tokens))
    first = f"{next(iter(rows))}/{REFERENCE}"
    timings = alternate({key: partial(seconds, run, ids) for key, run in runs.items()}, first, rounds, limit_s)
    for key, row in present(rows):
        row.figures |= figures(timings, setting, key, f"{key.partition('/')[0]}/{REFERENCE}")
        row.figures |= ratios_to_first(timings, setting, key, first)


def ratios_to_first(timings: Timings, setting: Setting, key: Key, first: Key) -> dict[str, float]:
    """Another model's ratios to the first: to its eager fp32, and to it run in the same way."""
    name, alike = first.partition("/")[0], f"{first.partition('/')[0]}/{trick(key)}"
    if key.startswith(f"{name}/"):
        return {}
    found = ratio_figures(timings, f"time_ratio_to_first_{setting.name}", key, first)
    if alike in timings.seconds:
        found |= ratio_figures(timings, f"time_ratio_alike_{setting.name}", key, alike)
    return found


def seconds(run: Run, ids: np.ndarray) -> float:
    started = time.perf_counter()
    run(*whole(ids))
    return time.perf_counter() - started


def hold_to_eager(
    runs: Mapping[Key, Run],
    rows: Mapping[str, Mapping[str, Row]],
    subjects: Mapping[str, TimedModel],
    sentences: Sequence[str],
) -> None:
    """Cosines of every row's embeddings to those of the same model's eager fp32."""
    for name, subject in subjects.items():
        batches = list(batched(subject.model, sentences))
        expected = embeddings(runs[f"{name}/{REFERENCE}"], batches)
        for key, row in present({name: rows[name]}):
            found = cosines(embeddings(runs[key], batches), expected)
            row.figures |= {"mean_cosine": float(found.mean()), "lowest_cosine": float(found.min())}


def batched(model: Original, sentences: Sequence[str]) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Sentences as padded batches in the order given."""
    ids = model.encoder.tokenise(sentences)
    for start in range(0, len(ids), BATCH):
        yield padded(ids[start : start + BATCH], model.encoder.tokenizer.pad_token_id)


def embeddings(run: Run, batches: Sequence[tuple[np.ndarray, np.ndarray]]) -> np.ndarray:
    return np.concatenate([run(*batch) for batch in batches])


def score(
    runs: Mapping[Key, Run],
    rows: Mapping[str, Mapping[str, Row]],
    subjects: Mapping[str, TimedModel],
    suite: Suite | None,
) -> None:
    """Mean S of every row, where there is a suite to take it on."""
    for key, row in present(rows) if suite else ():
        assert suite is not None
        encoder = subjects[key.partition("/")[0]].model.encoder
        row.figures["mean_s"] = mean_s(row.title, runs[key], encoder, suite)
