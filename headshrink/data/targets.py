"""The teacher's embedding of every distinct sentence, computed once and shared by all students."""

import json
import os
import time
from collections.abc import Iterator, Sequence
from hashlib import blake2b
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch

from headshrink.data.table import NONE, SentenceTable, Targets, Tokens
from headshrink.errors import HeadshrinkError
from headshrink.model import SentenceEncoder, TokenBatch
from headshrink.model.attention import quick_attention
from headshrink.output import reserve, write_text
from headshrink.padding import length_batches
from headshrink.parameters.targets import DEFAULTS
from headshrink.progress import Bar

ROWS_PER_SHARD = 1 << 16
MANIFEST = "manifest.json"
SINGLE = "monolingual"  # the split of sentences without translation
KEYS = "keys.npy"
KEY = np.dtype("S16")  # 128 bits of a hash
TOKENS_PER_BATCH = (
    8_192  # padding included; about 0.4 GB of activations in LaBSE's shape, whatever the longest sentence
)
JOURNAL = "unfinished.json"  # which shard is being written, and how many of its batches are done
SECONDS_BETWEEN_SAVES = 30


def write_targets(
    teacher: SentenceEncoder,
    splits: dict[str, SentenceTable],
    folder: Path,
    known: Path | None = None,
    batch_size: int = DEFAULTS.batch_size,
    precision: str = "fp32",
) -> None:
    """Embed the sentences of all splits and write them as fp16 shards.

    `splits` maps a split's name to its sentences. A sentence that occurs twice is embedded once: the folder holds
    `rows-*.npy`, fp16 [rows, dimension], one row per distinct sentence; `keys.npy`, a hash of each row's token ids;
    `SPLIT.npy`, int32 [sentences], the row of each sentence of the split's table; and a manifest, which is written
    last. fp16 moves a cosine by less than 1e-6. `known` is a folder that an earlier call wrote with the same teacher,
    `batch_size` and `precision` ("fp32" or "bf16"): sentences that it holds keep their embeddings. The bytes depend on
    these arguments.

    A killed call loses at most SECONDS_BETWEEN_SAVES of work: the same call on the same folder continues and ends in
    the same bytes; a folder that is complete stays. Memory holds 60 bytes per sentence, but no embeddings, and no ids
    that are in files; a batch's activations are bounded by TOKENS_PER_BATCH.
    """
    if (folder / MANIFEST).is_file():
        return
    folder.mkdir(parents=True, exist_ok=True)
    rows = Distinct([table.tokens for table in splits.values()])
    for name, numbers in zip(splits, rows.of_each(), strict=True):
        np.save(folder / f"{name}.npy", numbers)
    np.save(folder / KEYS, rows.keys)
    stored = stored_rows(known, rows.keys)
    starts = range(0, len(rows), ROWS_PER_SHARD)
    shards = [Shard(folder, number, rows, stored, start, batch_size) for number, start in enumerate(starts)]
    with quick_attention(teacher, precision), Bar("targets, tokens", sum(map(Shard.tokens_left, shards))) as bar:
        for shard in shards:
            shard.write(teacher, precision, bar)
    (folder / JOURNAL).unlink(missing_ok=True)
    manifest = {
        "rows": len(rows), "dimension": teacher.dimension, "shards": len(starts), "rows_per_shard": ROWS_PER_SHARD,
        "sentences": {name: len(table) for name, table in splits.items()}, "precision": precision,
    }  # fmt: skip
    write_text(folder / MANIFEST, json.dumps(manifest, indent=2) + "\n")


class Distinct:
    """The distinct sentences of several tables, numbered by first occurrence.

    `keys` are 128 bits of a hash of their token ids, by which sentences are compared: memory does not hold ids twice.
    `lengths` are in tokens.
    """

    def __init__(self, tables: Sequence[Tokens]) -> None:
        self.tokens = Tokens([part for table in tables for part in table.parts])
        self.offsets = np.cumsum([0, *map(len, tables)])
        digests = bytearray()
        for sentence in self.tokens:
            digests += blake2b(sentence.tobytes(), digest_size=KEY.itemsize).digest()
        keys, first, inverse = np.unique(np.frombuffer(digests, dtype=KEY), return_index=True, return_inverse=True)
        order = np.argsort(first, kind="stable")
        self.first = first[order]  # number among all sentences
        numbers = np.empty(len(order), dtype=np.int32)
        numbers[order] = np.arange(len(order))
        self.row_of_sentence = numbers[inverse.reshape(-1)]
        self.keys, self.lengths = keys[order], self.tokens.lengths[self.first]

    def __len__(self) -> int:
        return len(self.first)

    def __getitem__(self, row: int) -> np.ndarray:
        """Token ids of a distinct sentence."""
        return self.tokens[int(self.first[row])]

    def of_each(self) -> Iterator[np.ndarray]:
        """For each table in turn int32 [sentences]: the rows of its sentences."""
        return (self.row_of_sentence[start:stop] for start, stop in pairwise(self.offsets))


class Shard:
    """One shard of embeddings, written into a mapped file whose finished batches a journal counts.

    Its rows are `start` and the following of `rows`; those with a place in `stored` are copied from there.
    """

    def __init__(self, folder: Path, number: int, rows: Distinct, stored: Targets, start: int, batch_size: int) -> None:
        self.path, self.journal = folder / f"rows-{number:05}.npy", folder / JOURNAL
        self.part = self.path.with_suffix(".part")
        self.number, self.rows, self.stored, self.batch_size = number, rows, stored, batch_size
        self.chosen = np.arange(start, min(start + ROWS_PER_SHARD, len(rows)))
        self.lengths = rows.lengths[self.chosen]

    @torch.inference_mode()
    def write(self, teacher: SentenceEncoder, precision: str, bar: Bar) -> None:
        """Embed the rows that neither a killed call nor an earlier folder has; then give the file its name."""
        if self.path.is_file():
            return
        done, batches = self.batches_done(), self.batches()
        out = np.lib.format.open_memmap(self.part, mode="r+") if done else self.create(teacher.dimension)
        saved = time.monotonic()
        for position, batch in enumerate(batches[done:], done + 1):
            out[batch] = embed(teacher, [self.rows[i] for i in self.chosen[batch]], precision)
            if time.monotonic() - saved > SECONDS_BETWEEN_SAVES:
                out.flush()
                write_text(self.journal, json.dumps({"shard": self.number, "batches": position}))
                saved = time.monotonic()
            bar.advance(int(self.lengths[batch].sum()))
        out.flush()
        self.part.replace(self.path)

    def batches(self) -> list[np.ndarray]:
        """Rows to embed, by their place in the shard, in batches of similar length.

        The batches come in a random order that is always the same: rates measured early hold for the rest.
        """
        missing = np.flatnonzero(self.stored.index[self.chosen] == NONE)
        batches = list(length_batches(self.lengths[missing].tolist(), self.batch_size, TOKENS_PER_BATCH))
        return [missing[batches[i]] for i in np.random.default_rng(self.number).permutation(len(batches))]

    def batches_done(self) -> int:
        """How many batches of the unfinished file are done."""
        if not (self.journal.is_file() and self.part.is_file()):
            return 0
        state = json.loads(self.journal.read_text(encoding="utf-8"))
        return int(state["batches"]) if state["shard"] == self.number else 0

    def tokens_left(self) -> int:
        """How many tokens are to be embedded."""
        if self.path.is_file():
            return 0
        if done := self.batches_done():
            return sum(int(self.lengths[batch].sum()) for batch in self.batches()[done:])
        return int(self.lengths[self.stored.index[self.chosen] == NONE].sum())

    def create(self, dimension: int) -> np.memmap:
        """The unfinished file with the rows that are stored already."""
        shape = (len(self.chosen), dimension)
        out = np.lib.format.open_memmap(self.part, mode="w+", dtype=np.float16, shape=shape)
        with open(self.part, "r+b") as file:  # a mapped file without room ends the process by SIGBUS
            reserve(file, os.fstat(file.fileno()).st_size)
        have = np.flatnonzero(self.stored.index[self.chosen] != NONE)
        if len(have):
            out[have] = self.stored.take(self.chosen[have])
        return out


def embed(teacher: SentenceEncoder, rows: list[np.ndarray], precision: str) -> np.ndarray:
    """fp16 [rows, dimension]: the teacher's embeddings of one batch of token ids."""
    pad_id: int = teacher.tokenizer.pad_token_id
    batch = TokenBatch.from_rows(rows, pad_id)
    return teacher.embed_batch(batch, precision).half().cpu().numpy()


def stored_rows(folder: Path | None, keys: np.ndarray) -> Targets:
    """Targets of the sentences with these keys in a folder of targets: `index` is NONE for those that it lacks.

    None, and a folder that a kill left unfinished, hold none.
    """
    rows = np.full(len(keys), NONE, dtype=np.int64)
    if folder is None or not (folder / MANIFEST).is_file():
        return Targets([], rows)
    own = np.load(folder / KEYS)
    order = np.argsort(own)
    places = np.searchsorted(own, keys, sorter=order).clip(max=len(own) - 1)
    found = own[order[places]] == keys
    rows[found] = order[places[found]]
    return Targets(mapped_shards(folder), rows)


def stored_targets(folder: Path, split: str) -> Targets:
    """A split's targets, left on disk; HeadshrinkError where the folder does not hold them."""
    try:
        return Targets(mapped_shards(folder), np.load(folder / f"{split}.npy"))
    except (OSError, ValueError) as error:
        raise HeadshrinkError(f"no targets of split {split} in {folder}: the targets stage writes them") from error


def mapped_shards(folder: Path) -> list[np.ndarray]:
    count = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))["shards"]
    return [np.load(folder / f"rows-{number:05}.npy", mmap_mode="r") for number in range(count)]


def write_single(table: SentenceTable, folder: Path) -> None:
    """Keep sentences without translation beside their targets: no shards hold them."""
    np.save(folder / f"{SINGLE}.ids.npy", np.concatenate(list(table.tokens.blocks())))
    np.save(folder / f"{SINGLE}.starts.npy", np.cumsum([0, *table.tokens.lengths], dtype=np.int64))
    np.save(folder / f"{SINGLE}.languages.npy", table.languages)


def with_stored_single(train: SentenceTable, folder: Path) -> SentenceTable:
    """Training sentences with those without translation that a targets folder holds, if it holds any."""
    if not (folder / f"{SINGLE}.ids.npy").is_file():
        return train
    parts = (np.load(folder / f"{SINGLE}.{part}.npy", mmap_mode="r") for part in ("ids", "starts", "languages"))
    ids, starts, languages = parts
    none = np.full(len(languages), NONE, dtype=np.int32)
    return train.followed_by(SentenceTable(Tokens([(ids, starts)]), languages, none, [stored_targets(folder, SINGLE)]))
