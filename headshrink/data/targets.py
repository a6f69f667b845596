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

ROWS_A_SHARD = 1 << 16
MANIFEST = "manifest.json"
SINGLE = "monolingual"  # the split of sentences without translation
JOURNAL = "unfinished.json"  # which shard is being written, and how many of its batches are done
SECONDS_BETWEEN_SAVES = 30


def write_targets(
    teacher: SentenceEncoder,
    splits: dict[str, SentenceTable],
    folder: Path,
    batch_size: int = DEFAULTS.batch_size,
    precision: str = "fp32",
) -> None:
    """Embed the sentences of all splits and write them as fp16 shards.

    `splits` maps a split's name to its sentences. A sentence that occurs twice is embedded once: the folder holds
    `rows-*.npy`, fp16 [rows, dimension], one row per distinct sentence; `SPLIT.npy`, int32 [sentences], the row of each
    sentence of the split's table; and a manifest, which is written last. fp16 moves a cosine by less than 1e-6. The
    bytes depend on the teacher, the sentences, `batch_size` and `precision` ("fp32" or "bf16").

    A killed call loses at most SECONDS_BETWEEN_SAVES of work: the same call on the same folder continues and ends in
    the same bytes. Memory holds 40 bytes per sentence, but no embeddings, and no ids that are in files.
    """
    folder.mkdir(parents=True, exist_ok=True)
    rows = Distinct([table.tokens for table in splits.values()])
    for name, numbers in zip(splits, rows.of_each(), strict=True):
        np.save(folder / f"{name}.npy", numbers)
    starts = range(0, len(rows), ROWS_A_SHARD)
    with quick_attention(teacher, precision), Bar("targets, tokens", int(rows.lengths.sum())) as bar:
        for shard, start in enumerate(starts):
            chosen = np.arange(start, min(start + ROWS_A_SHARD, len(rows)))
            Shard(folder, shard, rows, chosen).write(teacher, batch_size, precision, bar)
    (folder / JOURNAL).unlink(missing_ok=True)
    manifest = {
        "rows": len(rows), "dimension": teacher.dimension, "shards": len(starts), "rows_a_shard": ROWS_A_SHARD,
        "sentences": {name: len(table) for name, table in splits.items()}, "precision": precision,
    }  # fmt: skip
    (folder / MANIFEST).write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")


class Distinct:
    """The distinct sentences of several tables, numbered by first occurrence.

    `lengths` are their tokens. Sentences are compared by 128 bits of a hash, so that memory does not hold their ids
    twice.
    """

    def __init__(self, tables: Sequence[Tokens]) -> None:
        self.tokens = Tokens([part for table in tables for part in table.parts])
        self.offsets = np.cumsum([0, *map(len, tables)])
        sentences = (self.tokens[i] for i in range(len(self.tokens)))
        digests = (blake2b(sentence.tobytes(), digest_size=16).digest() for sentence in sentences)
        keys = np.frombuffer(b"".join(digests), dtype=[("high", "<u8"), ("low", "<u8")])
        _, first, inverse = np.unique(keys, return_index=True, return_inverse=True)
        order = np.argsort(first, kind="stable")
        self.first = first[order]  # number among all sentences
        numbers = np.empty(len(order), dtype=np.int32)
        numbers[order] = np.arange(len(order))
        self.row_of_sentence = numbers[inverse.reshape(-1)]
        self.lengths = self.tokens.lengths[self.first]

    def __len__(self) -> int:
        return len(self.first)

    def __getitem__(self, row: int) -> np.ndarray:
        """Token ids of a distinct sentence."""
        return self.tokens[int(self.first[row])]

    def of_each(self) -> Iterator[np.ndarray]:
        """For each table in turn int32 [sentences]: the rows of its sentences."""
        return (self.row_of_sentence[start:stop] for start, stop in pairwise(self.offsets))


class Shard:
    """One shard of embeddings, written into a mapped file whose finished batches a journal counts."""

    def __init__(self, folder: Path, number: int, rows: Distinct, chosen: np.ndarray) -> None:
        self.path, self.journal = folder / f"rows-{number:05}.npy", folder / JOURNAL
        self.part = self.path.with_suffix(".part")
        self.number, self.rows, self.chosen = number, rows, chosen

    @torch.inference_mode()
    def write(self, teacher: SentenceEncoder, batch_size: int, precision: str, bar: Bar) -> None:
        """Embed the rows that a killed call has not, in batches of similar length; then give the file its name.

        The batches come in a random order that is always the same: rates measured early hold for the rest.
        """
        lengths = self.rows.lengths[self.chosen]
        if self.path.is_file():
            return bar.advance(int(lengths.sum()))
        batches = list(length_batches(lengths.tolist(), batch_size))
        batches = [batches[i] for i in np.random.default_rng(self.number).permutation(len(batches))]
        out, done = self.open(teacher.dimension)
        saved = time.monotonic()
        for position, batch in enumerate(batches):
            if position >= done:
                out[batch] = embed(teacher, [self.rows[i] for i in self.chosen[batch]], precision)
            if time.monotonic() - saved > SECONDS_BETWEEN_SAVES:
                out.flush()
                write_text(self.journal, json.dumps({"shard": self.number, "batches": position + 1}))
                saved = time.monotonic()
            bar.advance(int(lengths[batch].sum()))
        out.flush()
        self.part.replace(self.path)

    def open(self, dimension: int) -> tuple[np.memmap, int]:
        """The unfinished file, and how many of its batches are done."""
        shape = (len(self.chosen), dimension)
        if self.journal.is_file() and self.part.is_file():
            state = json.loads(self.journal.read_text(encoding="utf-8"))
            if state["shard"] == self.number:
                return np.lib.format.open_memmap(self.part, mode="r+"), state["batches"]
        out = np.lib.format.open_memmap(self.part, mode="w+", dtype=np.float16, shape=shape)
        with open(self.part, "r+b") as file:  # a mapped file without room ends the process by SIGBUS
            reserve(file, os.fstat(file.fileno()).st_size)
        return out, 0


def embed(teacher: SentenceEncoder, rows: list[np.ndarray], precision: str) -> np.ndarray:
    """fp16 [rows, dimension]: the teacher's embeddings of one batch of token ids."""
    pad_id: int = teacher.tokenizer.pad_token_id  # type: ignore[assignment]
    batch = TokenBatch.from_rows(rows, pad_id)  # type: ignore[arg-type]
    return teacher.embed_batch(batch, precision).half().cpu().numpy()


def stored_targets(folder: Path, split: str) -> Targets:
    """A split's targets, left on disk; HeadshrinkError where the folder does not hold them."""
    try:
        count = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))["shards"]
        shards = [np.load(folder / f"rows-{number:05}.npy", mmap_mode="r") for number in range(count)]
        index = np.load(folder / f"{split}.npy")
    except (OSError, ValueError) as error:
        raise HeadshrinkError(f"no targets of split {split} in {folder}: the targets stage writes them") from error
    return Targets(shards, index)


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
