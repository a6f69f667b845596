"""A source's pairs made into a corpus: cleaned, each once, free of the benchmark's sentences, split in two."""

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from itertools import chain, islice
from pathlib import Path
from typing import NamedTuple

from headshrink.cores import chunked, on_all_cores
from headshrink.data.corpus.clean import Limits, fold, normalise
from headshrink.data.corpus.decontaminate import SuiteIndex
from headshrink.data.corpus.sources._base import Source
from headshrink.data.corpus.sources.parallel import Parallel
from headshrink.data.corpus.split import is_heldout, rank, sentence_hash
from headshrink.data.corpus.suite import suite_sentences
from headshrink.data.text.pairs import Pair
from headshrink.errors import HeadshrinkError
from headshrink.parameters.corpus import DEFAULTS
from headshrink.progress import Bar, note

ROWS_PER_GROUP = 8_192  # of Parquet: what a reader holds in memory at once
PAIRS_PER_CHUNK = 2_000  # what a process cleans at a time


@dataclass
class Counts:
    """Pairs read by source, and pairs dropped by reason and source."""

    read: Counter[str] = field(default_factory=Counter)
    dropped: defaultdict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))

    def drop(self, reason: str, source: str) -> None:
        self.dropped[reason][source] += 1

    def summary(self) -> str:
        reasons = ", ".join(f"{reason} {sum(by.values())}" for reason, by in sorted(self.dropped.items()))
        return f"{sum(self.read.values())} read, dropped: {reasons or 'none'}"


class Judged(NamedTuple):
    """A normalised pair with all that is decided by the pair alone; hashes compare its folded sides."""

    en: str
    ru: str
    source: str
    rank: int = 0
    ru_hash: int = 0
    heldout: bool = False
    reason: str | None = None  # against the pair, whatever the others are
    suite_reason: str | None = None  # against the first of several copies

    @property
    def pair(self) -> Pair:
        return Pair(self.en, self.ru, self.source)


class Candidate(NamedTuple):
    """A clean pair with what the split and the limit need of its folded sides."""

    pair: Pair
    heldout: bool
    ru_hash: int
    rank: int


@dataclass(frozen=True)
class Corpus:
    """Clean pairs in the order of their source, in two splits without a common sentence, and how they were counted."""

    train: list[Pair]
    heldout: list[Pair]
    counts: Counts

    def sides(self) -> tuple[list[str], list[str]]:
        """English and Russian sentences of the training pairs."""
        return [pair.en for pair in self.train], [pair.ru for pair in self.train]

    def checked(self, label: str) -> "Corpus":
        """This corpus; HeadshrinkError where no pair is left for train or for held-out."""
        if not self.train or not self.heldout:
            split = "held-out" if self.train else "train"
            raise HeadshrinkError(f"no {split} pair is left of {label}: {self.counts.summary()}; give more pairs")
        return self


def read_corpus(
    path: str | Path, suite: str | Path | None = None, heldout_percent: float = DEFAULTS.heldout_percent
) -> Corpus:
    """The corpus of a file, pipe or folder of pairs, as the pipeline makes it; either split may be empty.

    Sentences of the benchmark whose data are in the folder `suite` are left out; without it, nothing is left out, and
    a line says so. Another line counts what was read and dropped. Raises HeadshrinkError as `read_pairs`.
    """
    source = Parallel(Path(path))
    index = SuiteIndex(suite_sentences(Path(suite)) if suite else [])
    corpus = split_corpus(source, Limits(), index, heldout_percent)
    note(f"{source.label}: {corpus.counts.summary()}")
    if suite is None:
        note(f"{source.label}: no suite is given, so sentences of the benchmark are not left out")
    return corpus


def build_corpus(
    source: Source, limits: Limits, suite: SuiteIndex, heldout_percent: float, max_pairs: int | None = None
) -> Corpus:
    """Clean, deduplicate, decontaminate and split the pairs of a source.

    `max_pairs` keeps the pairs of the lowest hashes, after everything else: a larger limit keeps the same pairs and
    more. Memory: about 1 kB a pair. Raises HeadshrinkError where no pair is left for train or for held-out.
    """
    return split_corpus(source, limits, suite, heldout_percent, max_pairs).checked(source.label)


def split_corpus(
    source: Source, limits: Limits, suite: SuiteIndex, heldout_percent: float, max_pairs: int | None = None
) -> Corpus:
    """As `build_corpus`, but either split may be empty."""
    counts = Counts()
    candidates = clean_pairs(source, partial(judge_all, limits, suite, heldout_percent), counts)
    candidates = without_heldout_russian(candidates, counts)
    candidates = lowest_ranks(candidates, max_pairs, counts)
    train = [candidate.pair for candidate in candidates if not candidate.heldout]
    heldout = [candidate.pair for candidate in candidates if candidate.heldout]
    return Corpus(train, heldout, counts)


def clean_pairs(source: Source, judge: Callable[[list[Pair]], list[Judged]], counts: Counts) -> list[Candidate]:
    """The pairs that pass the limits, are no copies of earlier ones, and are not the benchmark's."""
    seen: set[int] = set()
    kept = []
    for judged in judged_pairs(source, judge):
        counts.read[judged.source] += 1
        if reason := judged.reason or ("duplicate" if judged.rank in seen else judged.suite_reason):
            counts.drop(reason, judged.source)
        else:
            kept.append(Candidate(judged.pair, judged.heldout, judged.ru_hash, judged.rank))
        if not judged.reason:
            seen.add(judged.rank)
    return kept


def judged_pairs(source: Source, judge: Callable[[list[Pair]], list[Judged]]) -> Iterator[Judged]:
    """All pairs of a source in their order, judged on all cores."""
    chunks = chunked(source.pairs(), PAIRS_PER_CHUNK)
    first = list(islice(chunks, 2))
    with Bar("cleaning pairs", source.total) as bar:
        for judged in on_all_cores(judge, chain(first, chunks), alone=len(first) < 2):
            yield from judged
            bar.advance(len(judged))


def judge_all(limits: Limits, suite: SuiteIndex, heldout_percent: float, pairs: list[Pair]) -> list[Judged]:
    """What is decided of each pair by itself."""
    return [judge_one(limits, suite, heldout_percent, pair) for pair in pairs]


def judge_one(limits: Limits, suite: SuiteIndex, heldout_percent: float, raw: Pair) -> Judged:
    pair = Pair(normalise(raw.en), normalise(raw.ru), raw.source)
    if reason := limits.reason_against(pair):
        return Judged(pair.en, pair.ru, pair.source, reason=reason)
    en, ru = fold(pair.en), fold(pair.ru)
    suite_reason = suite.reason_against(en) or suite.reason_against(ru)
    hashes = rank(en, ru), sentence_hash(ru)
    return Judged(pair.en, pair.ru, pair.source, *hashes, is_heldout(en, heldout_percent), None, suite_reason)


def without_heldout_russian(candidates: list[Candidate], counts: Counts) -> list[Candidate]:
    """Without the train pairs whose Russian side is in held-out: two English sentences may share a translation."""
    heldout = {candidate.ru_hash for candidate in candidates if candidate.heldout}
    kept = []
    for candidate in candidates:
        if not candidate.heldout and candidate.ru_hash in heldout:
            counts.drop("russian_in_heldout", candidate.pair.source)
        else:
            kept.append(candidate)
    return kept


def lowest_ranks(candidates: list[Candidate], limit: int | None, counts: Counts) -> list[Candidate]:
    """The `limit` candidates of the lowest ranks, in their old order; all of them without a limit."""
    if limit is None or len(candidates) <= limit:
        return candidates
    last = sorted(candidate.rank for candidate in candidates)[limit - 1]
    for candidate in candidates:
        if candidate.rank > last:
            counts.drop("over_limit", candidate.pair.source)
    return [candidate for candidate in candidates if candidate.rank <= last]


def write_corpus(corpus: Corpus, folder: Path, label: str, source: str) -> None:
    """Write train.parquet and heldout.parquet (columns en, ru, source) and counts.json into a folder."""
    write_parquet(corpus.train, folder / "train.parquet")
    write_parquet(corpus.heldout, folder / "heldout.parquet")
    summary = {
        "label": label,
        "source": source,
        "generated": source == "generated",
        "train": len(corpus.train),
        "heldout": len(corpus.heldout),
        "read": corpus.counts.read,
        "dropped": corpus.counts.dropped,
    }
    text = json.dumps(summary, ensure_ascii=False, indent=2, sort_keys=True)
    (folder / "counts.json").write_text(text + "\n", encoding="utf-8")


def write_parquet(pairs: list[Pair], path: Path) -> None:
    """Pairs as Parquet, a row group at a time."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    schema = pa.schema([(name, pa.string()) for name in ("en", "ru", "source")])
    with pq.ParquetWriter(path, schema, compression="zstd") as writer:
        for start in range(0, len(pairs), ROWS_PER_GROUP):
            rows = pairs[start : start + ROWS_PER_GROUP]
            columns = [[getattr(pair, name) for pair in rows] for name in schema.names]
            writer.write_table(pa.table(columns, schema=schema))
