"""What the pruning benchmarks share: their options, batches of training pairs, and the facts that a table states."""

import argparse
import platform
from datetime import date
from pathlib import Path
from typing import Any

import torch
from transformers.utils import logging

from headshrink.benchmarking.machine import describe
from headshrink.data.corpus import Corpus, read_corpus
from headshrink.data.text.pairs import spread
from headshrink.importance import pair_batches
from headshrink.model import PairBatch, SentenceEncoder

logging.disable_progress_bar()  # of files that take a moment

TRAIN_PAIRS = 12_000  # kept of the corpus: more than any benchmark here reads


def options(description: str | None) -> argparse.ArgumentParser:
    """The teacher, the pairs, and where things go."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--teacher", type=Path, required=True)
    parser.add_argument("--pairs", type=Path, required=True, help="TSV, aligned files or a folder of them")
    parser.add_argument("--suite", type=Path, help="the benchmark's data, whose sentences no pair may hold")
    parser.add_argument("--out", type=Path, required=True)
    return parser


def corpus(arguments: argparse.Namespace) -> Corpus:
    """The corpus of the options."""
    return read_corpus(arguments.pairs, arguments.suite).checked(str(arguments.pairs))


def batches(encoder: SentenceEncoder, corpus: Corpus, count: int, seed: int, batch_size: int = 32) -> list[PairBatch]:
    """Batches of at most `count` training pairs, drawn by `seed`."""
    pairs = spread(corpus.train, TRAIN_PAIRS)
    en, ru = (encoder.tokenise([getattr(pair, side) for pair in pairs]) for side in ("en", "ru"))
    pad_id: int = encoder.tokenizer.pad_token_id  # type: ignore[assignment]
    return list(pair_batches(en, ru, pad_id, max(1, count // batch_size), batch_size, seed))


def about(**what: Any) -> dict[str, Any]:
    """What a table must say: what was measured on what, the machine, its threads, the day."""
    place = describe()
    machine = f"{place['cpu']}, {place['cores']} cores, {place['instruction_set']}"
    return what | {"machine": machine, "threads": torch.get_num_threads(), "torch": torch.__version__,
                   "python": platform.python_version(), "date": date.today().isoformat()}  # fmt: skip


def headline(facts: dict[str, Any]) -> str:
    """The facts in one line under a table's title."""
    return "; ".join(f"{key.replace('_', ' ')}: {value}" for key, value in facts.items())
