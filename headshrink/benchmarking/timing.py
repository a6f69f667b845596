"""How fast models are: timed in turns, so that what slows the machine slows all of them.

Clock speed, neighbours and temperature drift by more than the differences looked for. Ratios of calls made right
after one another cancel the drift; a figure from another run does not.
"""

import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray

from headshrink.benchmarking.clocks import threads_limited
from headshrink.benchmarking.embeddings import SENTENCE_TOKENS
from headshrink.benchmarking.models import Model

WARM_UP_CALLS = 3
FEWEST_ROUNDS = 3
SETTING_NAME = r"b([1-9]\d*)_([1-9]\d*)tokens_(1|all)threads?"
RATIO_WIDTH = 0.05  # the interval of a ratio that ends the rounds, relative to the ratio


@dataclass(frozen=True)
class Setting:
    """What is timed: texts a batch, tokens a text, CPU threads (None: as many as torch uses by itself)."""

    batch: int
    tokens: int
    threads: int | None

    @property
    def name(self) -> str:
        """As in `b1_32tokens_1thread`, `b32_32tokens_allthreads`."""
        return f"b{self.batch}_{self.tokens}tokens_{'all' if self.threads is None else self.threads}" + (
            "thread" if self.threads == 1 else "threads"
        )

    @classmethod
    def named(cls, name: str) -> "Setting":
        """The setting of a name; ValueError where it is none."""
        found = re.fullmatch(SETTING_NAME, name)
        if not found:
            raise ValueError(f"{name} is no setting: as in b1_32tokens_1thread or b32_8tokens_allthreads")
        batch, tokens, threads = found.groups()
        return cls(int(batch), int(tokens), None if threads == "all" else int(threads))


LATENCY = [Setting(1, tokens, threads) for threads in (1, None) for tokens in (8, 32, 128)]
THROUGHPUT = [Setting(batch, 32, threads) for threads in (1, None) for batch in (8, 32, 128)]


@dataclass
class Timings:
    """Seconds of one call in every round, by model; the rounds are paired."""

    seconds: dict[str, list[float]] = field(default_factory=dict)

    def ratio(self, model: str, reference: str) -> tuple[float, float, float]:
        """Median over rounds of a model's time to the reference's, with its 95% interval (of order statistics)."""
        ratios = np.sort(np.array(self.seconds[model]) / np.array(self.seconds[reference]))
        low, high = median_interval(len(ratios))
        return float(np.median(ratios)), float(ratios[low]), float(ratios[high])

    def settled(self, reference: str) -> bool:
        """Whether every ratio to the reference is known to RATIO_WIDTH."""
        ratios = [self.ratio(model, reference) for model in self.seconds if model != reference]
        return all(high - low < RATIO_WIDTH * middle for middle, low, high in ratios)


def median_interval(count: int) -> tuple[int, int]:
    """Ranks (from 0) of the sorted values that enclose the median with 95% confidence (binomial, normal form)."""
    half = 0.98 * np.sqrt(count)
    return max(0, int(np.floor(count / 2 - half))), min(count - 1, int(np.ceil(count / 2 + half)))


def alternate(calls: Mapping[str, Callable[[], float]], reference: str, rounds: int, limit_s: float) -> Timings:
    """Time calls in turns for at least `rounds` rounds and until the ratios settle, or until `limit_s` is over.

    A call returns its own seconds. Each round starts with another model: the first one after a pause finds a cooler
    processor.
    """
    names = list(calls)
    for name in names * WARM_UP_CALLS:
        calls[name]()
    timings, started, done = Timings({name: [] for name in names}), time.monotonic(), 0
    while done < FEWEST_ROUNDS or (
        time.monotonic() - started < limit_s and (done < rounds or not timings.settled(reference))
    ):
        for name in names[done % len(names) :] + names[: done % len(names)]:
            timings.seconds[name].append(calls[name]())
        done += 1
    return timings


def time_setting(
    models: Mapping[str, Model], reference: str, setting: Setting, rounds: int, limit_s: float, seed: int = 0
) -> Timings:
    """All models in turns at one setting, on random ids: they decide nothing about time.

    Tokenisation is not in it; the speed task has it.
    """
    generator = torch.Generator().manual_seed(seed)
    shape = (setting.batch, setting.tokens)
    calls = {
        name: model.timed(torch.randint(len(model.tokenizer), shape, generator=generator), setting.threads)
        for name, model in models.items()
    }
    return alternate(calls, reference, rounds, limit_s)


def figures(timings: Timings, setting: Setting, model: str, reference: str) -> dict[str, float]:
    """One model's figures at one setting: latency at batch 1, throughput above, each with its ratio to the reference.

    A ratio is this model's time over the reference's, so below 1 is faster, for throughput too.
    """
    milliseconds: NDArray[np.float64] = np.array(timings.seconds[model]) * 1000
    if setting.batch == 1:
        found = {
            f"latency_ms_{setting.name}": float(np.median(milliseconds)),
            f"latency_p95_ms_{setting.name}": float(np.quantile(milliseconds, 0.95)),
        }
    else:
        found = {f"throughput_per_s_{setting.name}": setting.batch * 1000 / float(np.median(milliseconds))}
    found |= ratio_figures(timings, f"time_ratio_{setting.name}", model, reference)
    return found | {f"rounds_{setting.name}": len(milliseconds)}


def ratio_figures(timings: Timings, key: str, model: str, reference: str) -> dict[str, float]:
    """A ratio and its 95% interval under a key, `KEY_low` and `KEY_high`."""
    ratio, low, high = timings.ratio(model, reference)
    return {key: ratio, f"{key}_low": low, f"{key}_high": high}


def speed_task_ms(models: Mapping[str, Model], sentences: Sequence[str]) -> dict[str, float]:
    """encodechka's speed task: mean milliseconds for one text at a time, tokenisation included, models in turns.

    On one thread: the original leaves the number to torch, and its mean is then one slow call's on a shared machine.
    """
    seconds = dict.fromkeys(models, 0.0)
    with threads_limited(1):
        for model in list(models.values()) * WARM_UP_CALLS:
            embed_one(model, sentences[0])
        for sentence in sentences:
            for name, model in models.items():
                started = time.perf_counter()
                embed_one(model, sentence)
                seconds[name] += time.perf_counter() - started
    return {name: total / len(sentences) * 1000 for name, total in seconds.items()}


def embed_one(model: Model, text: str) -> None:
    model.pooled(model.tokenise([text], SENTENCE_TOKENS))
