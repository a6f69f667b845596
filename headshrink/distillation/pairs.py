"""Training pairs as the trainer reads them: token ids of both sides and the teacher's embeddings."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor

from headshrink.model import TokenBatch
from headshrink.text.padding import padded


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

    def taken(self, indices: np.ndarray) -> "Sentences":
        """Those with these indices, in their order."""
        return Sentences.from_rows([self[i] for i in indices])  # type: ignore[misc]

    def followed_by(self, others: "Sentences") -> "Sentences":
        """These, then the others."""
        starts = np.concatenate([self.starts, others.starts[1:] + self.starts[-1]])
        return Sentences(np.concatenate([self.ids, others.ids]), starts)

    @property
    def lengths(self) -> np.ndarray:
        """Tokens of each sentence, special ones included."""
        return np.diff(self.starts)


class Targets(Protocol):
    """The teacher's embeddings of the pairs; `headshrink.distillation.targets.StoredTargets` reads them from disk."""

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
class JoinedTargets:
    """Targets of `count` pairs, then of more."""

    first: Targets
    more: Targets
    count: int

    def take(self, side: str, pairs: np.ndarray) -> np.ndarray:
        early = pairs < self.count
        if early.all():
            return self.first.take(side, pairs)
        late = self.more.take(side, pairs[~early] - self.count)
        out = np.empty((len(pairs), late.shape[1]), dtype=late.dtype)
        out[early], out[~early] = self.first.take(side, pairs[early]), late
        return out


@dataclass(frozen=True)
class Batch(TokenBatch):
    """Some pairs, both sides in one padded block: rows 0..n-1 English, n..2n-1 their Russian.

    One block makes one pass through the student where two sides would make two. `teacher` is [2n, dimension], fp32;
    `queue`, where asked for, the same of other pairs. `translated` is False where the two sentences of a row have
    nothing to do with each other.
    """

    teacher: Tensor
    queue: Tensor | None = None
    translated: bool = True

    def to(self, device: torch.device) -> "Batch":
        queue = None if self.queue is None else self.queue.to(device)
        ids, mask, teacher = (block.to(device) for block in (self.input_ids, self.attention_mask, self.teacher))
        return Batch(ids, mask, teacher, queue, self.translated)


@dataclass(frozen=True)
class Pairs:
    """Translation pairs: token ids of both sides, row i of one translating row i of the other, and their targets.

    Targets of several teachers stand side by side, the first one's as long as the student's embedding. Rows from
    `translated` on, where it is not None, are sentences without translation, two a row in either language:
    to imitate their embeddings takes no pair.
    """

    en: Sentences
    ru: Sentences
    targets: Targets
    translated: int | None = None

    @property
    def translations(self) -> int:
        """How many rows are translations."""
        return len(self) if self.translated is None else self.translated

    def with_monolingual(self, sentences: Sentences, targets: np.ndarray) -> "Pairs":
        """These pairs and more sentences of one language or the other, with their targets [sentences, dimension].

        Sentences of similar length share a row; an odd last one is left out.
        """
        order = np.argsort(sentences.lengths, kind="stable")
        sides = [order[side : len(order) // 2 * 2 : 2] for side in (0, 1)]
        en, ru = (own.followed_by(sentences.taken(side)) for own, side in zip((self.en, self.ru), sides, strict=True))
        more = TargetArrays(*(targets[side] for side in sides))
        return Pairs(en, ru, JoinedTargets(self.targets, more, len(self)), self.translations)

    def __len__(self) -> int:
        return len(self.en)

    @property
    def lengths(self) -> np.ndarray:
        """Length of each pair's longer side in tokens: what its row of a block costs."""
        return np.maximum(self.en.lengths, self.ru.lengths)

    def batch(self, indices: np.ndarray, pad_id: int, queue: np.ndarray | None = None) -> Batch:
        """The pairs with these indices, padded to the longest sentence among them; of the queue's the targets alone."""
        rows = [side[i] for side in (self.en, self.ru) for i in indices]
        ids, mask = map(torch.from_numpy, padded(rows, pad_id))  # type: ignore[arg-type]
        others = None if queue is None else self.both_targets(queue)
        return Batch(ids, mask, self.both_targets(indices), others, bool((indices < self.translations).all()))

    def both_targets(self, indices: np.ndarray) -> Tensor:
        """fp32 [2 * pairs, dimension]: the teacher's English, then its Russian."""
        return torch.from_numpy(
            np.concatenate([self.targets.take(side, indices) for side in ("en", "ru")]).astype(np.float32)
        )
