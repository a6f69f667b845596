"""What the pruning benchmarks share: a corpus, scores and machine that are read or computed once a work folder."""

import argparse
import json
import platform
from datetime import date
from pathlib import Path
from typing import Any

import torch
from transformers.utils import logging

from headshrink.benchmarking.machine import describe
from headshrink.corpus import Limits, SuiteIndex, build_corpus, suite_sentences
from headshrink.corpus.sources.parallel import Parallel
from headshrink.importance import Scores, load_scores, pair_batches, save_scores, score
from headshrink.model import PairBatch, SentenceEncoder
from headshrink.pruning.plan import Ranking

logging.disable_progress_bar()  # of files that take a moment

LIMITS = Limits(max_chars=200)  # long sentences cost most and say least
TRAIN_PAIRS = 12_000  # kept of the corpus: more than any benchmark here reads

# The loss that each criterion is made for, and the ranking.
MADE_FOR: dict[str, tuple[str, Ranking]] = {
    "obs": ("teacher_distance", "global"),
    "fisher": ("teacher_distance", "global"),
    "taylor": ("translation_ranking", "global"),
    "michel": ("translation_ranking", "global"),
    "taylor_signed": ("similarity", "layer"),
    "magnitude": ("translation_ranking", "layer"),
    "random": ("translation_ranking", "layer"),
}
TOGETHER = (("obs", "fisher"), ("taylor", "michel"))  # scored in one pass

Pairs = list[tuple[str, str]]


def options(description: str | None) -> argparse.ArgumentParser:
    """What every pruning benchmark is told: the teacher, the pairs, and where things go."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--teacher", type=Path, required=True)
    parser.add_argument("--pairs", type=Path, required=True, help="TSV, aligned files or a folder of them")
    parser.add_argument("--suite", type=Path, help="the benchmark's data, whose sentences no pair may hold")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--work", type=Path, default=Path(".work/pruning"), help="corpus, scores and models")
    return parser


def corpus(work: Path, pairs: Path, suite: Path | None) -> tuple[Pairs, Pairs]:
    """Train (a sample) and held-out pairs of a corpus free of the suite's sentences."""
    place = work / "corpus.json"
    if not place.is_file():
        work.mkdir(parents=True, exist_ok=True)
        index = SuiteIndex(suite_sentences(suite) if suite else [])
        whole = build_corpus(Parallel(pairs), LIMITS, index, heldout_percent=5)
        step = max(1, len(whole.train) // TRAIN_PAIRS)
        content = {
            "train": [(pair.en, pair.ru) for pair in whole.train[::step]],
            "heldout": [(pair.en, pair.ru) for pair in whole.heldout],
        }
        place.write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")
    content = json.loads(place.read_text(encoding="utf-8"))
    return content["train"], content["heldout"]


def batches(encoder: SentenceEncoder, pairs: Pairs, count: int, seed: int, batch_size: int = 32) -> list[PairBatch]:
    """Batches of at most `count` of the pairs, drawn by `seed`."""
    en, ru = (encoder.tokenise([pair[side] for pair in pairs]) for side in (0, 1))
    return list(pair_batches(en, ru, encoder.tokenizer.pad_token_id, max(1, count // batch_size), batch_size, seed))


def scores(work: Path, teacher: SentenceEncoder, text: list[PairBatch], criterion: str) -> Scores:
    """A criterion's scores by the loss it is made for; computed once."""
    place = work / f"scores-{criterion}.safetensors"
    if not place.is_file():
        names = next((names for names in TOGETHER if criterion in names), (criterion,))
        for name, found in score(teacher, text, names, MADE_FOR[criterion][0]).items():
            save_scores(found, work / f"scores-{name}.safetensors")
    return load_scores(place)


def about(**what: Any) -> dict[str, Any]:
    """What a table must say: what was measured on what, the machine, its threads, the day."""
    place = describe()
    machine = f"{place['cpu']}, {place['cores']} cores, {place['instruction_set']}"
    return what | {"machine": machine, "threads": torch.get_num_threads(), "torch": torch.__version__,
                   "python": platform.python_version(), "date": date.today().isoformat()}  # fmt: skip


def headline(facts: dict[str, Any]) -> str:
    """The facts in one line under a table's title."""
    return "; ".join(f"{key.replace('_', ' ')}: {value}" for key, value in facts.items())
