"""The teacher's embedding of every distinct sentence, computed once and shared by all students."""

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import torch

from headshrink.distill.pairs import Sentences
from headshrink.distill.precision import last_states, quick_attention
from headshrink.errors import HeadshrinkError
from headshrink.model import SentenceEncoder, pad_ids
from headshrink.model.encoder import length_batches
from headshrink.progress import track

ROWS_A_SHARD = 1 << 16
SIDES = ("en", "ru")
MANIFEST = "manifest.json"


def write_targets(
    teacher: SentenceEncoder,
    splits: dict[str, tuple[Sentences, Sentences]],
    folder: Path,
    batch_size: int = 64,
    precision: str = "fp32",
) -> None:
    """Embed the sentences of all splits and write them as fp16 shards.

    `splits` maps a split's name to the token ids of its two sides. A sentence that occurs twice is embedded once: the
    folder holds `rows-*.npy`, fp16 [rows, dimension], one row a distinct sentence, `SPLIT.npy`, int32 [pairs, 2], the
    rows of each pair's English and Russian, and a manifest. fp16 moves a cosine by less than 1e-6. The bytes depend on
    the teacher, the sentences, `batch_size` and `precision` ("fp32" or "bf16"), which the manifest records.
    """
    rows, index = distinct(splits)
    embeddings = embed(teacher, rows, batch_size, precision)
    folder.mkdir(parents=True, exist_ok=True)
    for name, numbers in index.items():
        np.save(folder / f"{name}.npy", numbers)
    starts = range(0, len(rows), ROWS_A_SHARD)
    for shard, start in enumerate(starts):
        np.save(folder / f"rows-{shard:05}.npy", embeddings[start : start + ROWS_A_SHARD])
    manifest = {
        "rows": len(rows), "dimension": teacher.dimension, "shards": len(starts), "rows_a_shard": ROWS_A_SHARD,
        "pairs": {name: len(numbers) for name, numbers in index.items()}, "precision": precision,
    }  # fmt: skip
    (folder / MANIFEST).write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")


def distinct(splits: dict[str, tuple[Sentences, Sentences]]) -> tuple[list[np.ndarray], dict[str, np.ndarray]]:
    """The distinct sentences in order of first occurrence, and for each split int32 [pairs, 2] of their numbers."""
    numbers: dict[bytes, int] = {}
    rows: list[np.ndarray] = []
    index = {}
    for name, sides in splits.items():
        index[name] = np.empty((len(sides[0]), 2), dtype=np.int32)
        for side, sentences in enumerate(sides):
            for i in range(len(sentences)):
                number = numbers.setdefault(sentences[i].tobytes(), len(rows))
                if number == len(rows):
                    rows.append(sentences[i])
                index[name][i, side] = number
    return rows, index


@torch.inference_mode()
def embed(teacher: SentenceEncoder, rows: list[np.ndarray], batch_size: int, precision: str) -> np.ndarray:
    """fp16 [rows, dimension]: the teacher's embedding of each row of token ids, in batches of similar length."""
    pad_id: int = teacher.tokenizer.pad_token_id  # type: ignore[assignment]
    out = np.empty((len(rows), teacher.dimension), dtype=np.float16)
    with quick_attention(teacher, precision):
        for batch in track(list(length_batches([len(row) for row in rows], batch_size)), "teaching"):
            ids, mask = (block.to(teacher.device) for block in pad_ids([rows[i] for i in batch], pad_id))  # type: ignore[misc]
            states = last_states(teacher, ids, mask, precision)
            out[batch] = teacher.embed(states, mask).half().cpu().numpy()
    return out


@dataclass(frozen=True)
class StoredTargets:
    """A split's targets on disk: shards are mapped, and rows read as they are asked for."""

    folder: Path
    index: np.ndarray  # int32 [pairs, 2]
    rows_a_shard: int

    @cached_property
    def shards(self) -> list[np.ndarray]:
        return [np.load(file, mmap_mode="r") for file in sorted(self.folder.glob("rows-*.npy"))]

    def __len__(self) -> int:
        return len(self.index)

    def take(self, side: str, pairs: np.ndarray) -> np.ndarray:
        """fp16 [pairs, dimension]: the embeddings of one side ("en" or "ru") of the pairs with these indices."""
        rows = self.index[pairs, SIDES.index(side)]
        out = np.empty((len(rows), self.shards[0].shape[1]), dtype=np.float16)
        for number, shard in enumerate(self.shards):
            here = rows // self.rows_a_shard == number
            out[here] = shard[rows[here] - number * self.rows_a_shard]
        return out


def stored_targets(folder: Path, split: str) -> StoredTargets:
    """A split's targets, left on disk; HeadshrinkError where the folder does not hold them."""
    try:
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        index = np.load(folder / f"{split}.npy")
    except (OSError, ValueError) as error:
        raise HeadshrinkError(f"no targets of split {split} in {folder}: the teach stage writes them") from error
    return StoredTargets(folder, index, manifest["rows_a_shard"])


def read_targets(folder: Path, split: str) -> tuple[np.ndarray, np.ndarray]:
    """All of a split's targets in memory: (English, Russian), each fp16 [pairs, dimension], row i for pair i."""
    stored = stored_targets(folder, split)
    everything = np.arange(len(stored))
    return stored.take("en", everything), stored.take("ru", everything)
