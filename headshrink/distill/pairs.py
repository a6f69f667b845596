"""Training pairs as the trainer reads them: token ids of both sides and the teacher's embeddings."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor

from headshrink.model import pad_ids


@dataclass(frozen=True)
class Sentences:
    """Token ids of many sentences end to end: sentence i is `ids[starts[i] : starts[i + 1]]`.

    Two flat arrays instead of a list of lists: a million sentences cost their ids and nothing more.
    """

    ids: np.ndarray  # int32 [tokens]
    starts: np.ndarray  # int64 [sentences + 1]

    @classmethod
    def from_rows(cls, rows: Sequence[Sequence[int]]) -> "Sentences":
        """From one list of ids a sentence."""
        starts = np.concatenate([[0], np.cumsum([len(row) for row in rows], dtype=np.int64)])
        flat = [np.asarray(row, dtype=np.int32) for row in rows]
        return cls(np.concatenate(flat) if flat else np.empty(0, dtype=np.int32), starts)

    @classmethod
    def from_dataset(cls, dataset: Any, column: str) -> "Sentences":
        """From a list column of a `datasets.Dataset`, without making a Python list of it."""
        lists = dataset.with_format("arrow")[:][column].combine_chunks()
        lengths = lists.value_lengths().to_numpy(zero_copy_only=False)
        starts = np.concatenate([[0], np.cumsum(lengths, dtype=np.int64)])
        return cls(lists.flatten().to_numpy(zero_copy_only=False).astype(np.int32), starts)

    def __len__(self) -> int:
        return len(self.starts) - 1

    def __getitem__(self, i: int) -> np.ndarray:
        return self.ids[self.starts[i] : self.starts[i + 1]]

    @property
    def lengths(self) -> np.ndarray:
        """Tokens of each sentence, special ones included."""
        return np.diff(self.starts)


class Targets(Protocol):
    """The teacher's embeddings of the pairs; `headshrink.distill.targets.StoredTargets` reads them from disk."""

    def take(self, side: str, pairs: np.ndarray) -> np.ndarray:
        """Embeddings [pairs, dimension] of one side ("en" or "ru") of the pairs with these indices."""
        ...


@dataclass(frozen=True)
class TargetArrays:
    """Targets that are in memory already, [pairs, dimension] a side."""

    en: np.ndarray
    ru: np.ndarray

    def take(self, side: str, pairs: np.ndarray) -> np.ndarray:
        return getattr(self, side)[pairs]


@dataclass(frozen=True)
class Batch:
    """Some pairs, both sides in one padded block: rows 0..n-1 English, n..2n-1 their Russian.

    One block makes one pass through the student where two sides would make two. `teacher` is [2n, dimension], fp32.
    """

    input_ids: Tensor
    attention_mask: Tensor
    teacher: Tensor

    def to(self, device: torch.device) -> "Batch":
        return Batch(self.input_ids.to(device), self.attention_mask.to(device), self.teacher.to(device))


@dataclass(frozen=True)
class Pairs:
    """Translation pairs: token ids of both sides, row i of one translating row i of the other, and their targets."""

    en: Sentences
    ru: Sentences
    targets: Targets

    def __len__(self) -> int:
        return len(self.en)

    @property
    def lengths(self) -> np.ndarray:
        """Length of each pair's longer side in tokens: what its row of a block costs."""
        return np.maximum(self.en.lengths, self.ru.lengths)

    def batch(self, indices: np.ndarray, pad_id: int) -> Batch:
        """The pairs with these indices, padded to the longest sentence among them."""
        rows = [side[i] for side in (self.en, self.ru) for i in indices]
        ids, mask = pad_ids(rows, pad_id)  # type: ignore[arg-type]
        teacher = np.concatenate([self.targets.take(side, indices) for side in ("en", "ru")])
        return Batch(ids, mask, torch.from_numpy(teacher.astype(np.float32)))
