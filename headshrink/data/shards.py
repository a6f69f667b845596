"""Pairs as token ids in Arrow files: written once, in parallel; read memory-mapped by every later stage.

Which rows a shard holds follows from the number of shards alone, and each is written by one process, so the bytes are
the same on one core and on sixty-four, and a process never holds more than one row group of Parquet.
"""

import json
import os
from collections.abc import Iterator
from concurrent.futures import FIRST_EXCEPTION, wait
from dataclasses import asdict, dataclass
from multiprocessing import Value
from pathlib import Path
from typing import Any

import datasets
import pyarrow as pa
import pyarrow.parquet as pq
from datasets.arrow_writer import ArrowWriter
from tokenizers import Tokenizer

from headshrink.cores import workers
from headshrink.errors import HeadshrinkError
from headshrink.hashing import file_sha256
from headshrink.progress import Bar
from headshrink.truncation import folder_tokenizer

SPLITS = ("train", "heldout")
ROWS_A_BATCH = 1_000
SECONDS_BETWEEN_LOOKS = 1
IDS = datasets.List(datasets.Value("int32"))
LENGTH = datasets.Value("int32")
FEATURES = datasets.Features({"en_ids": IDS, "ru_ids": IDS, "en_length": LENGTH, "ru_length": LENGTH})


rows_written: list[Any] = []  # in a worker: the counter that its rows are added to


@dataclass(frozen=True)
class Job:
    """One shard to write: rows [start, stop) of a Parquet file."""

    parquet: Path
    start: int
    stop: int
    tokenizer: Path
    max_length: int
    target: Path


@dataclass(frozen=True)
class Shard:
    """A written shard, as the manifest lists it; `file` is relative to the shards' folder."""

    file: str
    rows: int
    sha256: str


def write_shards(
    corpus: Path,
    tokenizer: Path,
    folder: Path,
    max_length: int,
    shards: int,
    processes: int,
) -> None:
    """Tokenise train.parquet and heldout.parquet of `corpus` into `folder`/{train,heldout}/*.arrow and manifest.json.

    `tokenizer` is the tokenizer.json of a model folder that `save_encoder` wrote, whose default prompt and side of
    truncation count. Ids have special tokens and are cut at `max_length` tokens. Each split becomes `shards` files of
    consecutive rows, whatever the number of `processes`.
    """
    jobs = [job for split in SPLITS for job in plan(corpus / f"{split}.parquet", tokenizer, max_length, folder, shards)]
    for split in SPLITS:
        (folder / split).mkdir()
    rows_done = Value("q", 0)
    with workers(min(processes, len(jobs)), rows_written.append, rows_done) as pool:
        running = {pool.submit(write_shard, job) for job in jobs}
        with Bar("tokenising, pairs", sum(job.stop - job.start for job in jobs)) as bar:
            while running:
                done, running = wait(running, SECONDS_BETWEEN_LOOKS, FIRST_EXCEPTION)
                bar.advance(rows_done.value - bar.done)
                for job_done in done:
                    job_done.result()
    manifest = {
        "tokenizer_sha256": file_sha256(tokenizer),
        "max_length": max_length,
        "shards": [asdict(describe(job, folder)) for job in jobs],
    }
    (folder / "manifest.json").write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")


def plan(parquet: Path, tokenizer: Path, max_length: int, folder: Path, shards: int) -> list[Job]:
    """The shards of one split: consecutive rows, sizes that differ by one at most."""
    rows = pq.ParquetFile(parquet).metadata.num_rows
    cuts = [rows * i // shards for i in range(shards + 1)]
    names = [folder / parquet.stem / f"{i:05d}-of-{shards:05d}.arrow" for i in range(shards)]
    return [
        Job(parquet, start, stop, tokenizer, max_length, name)
        for start, stop, name in zip(cuts, cuts[1:], names, strict=False)
    ]


def describe(job: Job, folder: Path) -> Shard:
    return Shard(job.target.relative_to(folder).as_posix(), job.stop - job.start, file_sha256(job.target))


def write_shard(job: Job) -> None:
    """Tokenise a shard's rows into its Arrow file."""
    os.environ["TOKENIZERS_PARALLELISM"] = "false"  # there is a process a core already
    tokenizer = folder_tokenizer(job.tokenizer.parent, job.max_length)
    with ArrowWriter(path=str(job.target), features=FEATURES) as writer:
        for rows in batches(job.parquet, job.start, job.stop):
            writer.write_table(tokenise(rows, tokenizer))
            for counter in rows_written:
                with counter.get_lock():
                    counter.value += len(rows)
        writer.finalize()


def batches(parquet: Path, start: int, stop: int) -> Iterator[pa.Table]:
    """Rows [start, stop) of a Parquet file, at most ROWS_A_BATCH at a time and one row group in memory."""
    file, offset = pq.ParquetFile(parquet), 0
    for group in range(file.num_row_groups):
        rows = file.metadata.row_group(group).num_rows
        first, last = max(start - offset, 0), min(stop - offset, rows)
        if first < last:
            table = file.read_row_group(group, columns=["en", "ru"], use_threads=False)
            for at in range(first, last, ROWS_A_BATCH):
                yield table.slice(at, min(ROWS_A_BATCH, last - at))
        offset += rows


def tokenise(rows: pa.Table, tokenizer: Tokenizer) -> pa.Table:
    """Columns en, ru as columns en_ids, ru_ids, en_length, ru_length (in tokens, special ones included)."""
    columns: dict[str, list[Any]] = {}
    for side in ("en", "ru"):
        ids = [encoding.ids for encoding in tokenizer.encode_batch(rows[side].to_pylist())]
        columns |= {f"{side}_ids": ids, f"{side}_length": [len(row) for row in ids]}
    return pa.table({name: columns[name] for name in FEATURES}, schema=FEATURES.arrow_schema)


def read_split(folder: Path, split: str) -> datasets.Dataset:
    """A split as one memory-mapped data set; row i is row i of the corpus's Parquet.

    Columns en_ids, ru_ids (lists of int32, special tokens included), en_length, ru_length (int32). Raises
    HeadshrinkError where the folder has no such split.
    """
    files = sorted((folder / split).glob("*.arrow"))
    if not files:
        raise HeadshrinkError(f"no Arrow files in {folder / split}: give a folder written by stage tokenize")
    return datasets.concatenate_datasets([datasets.Dataset.from_file(str(file)) for file in files])
