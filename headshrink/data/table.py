"""What the trainer reads: one table of sentences, with their token ids, translations and the teachers' embeddings.

Ids and embeddings stay in their files, which are memory-mapped. Memory holds 13 bytes per sentence: its length in
tokens, its language, the row of its translation and the place of its embedding.
"""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import accumulate

import datasets
import numpy as np
import torch
from torch import Tensor

from headshrink.model import TokenBatch
from headshrink.padding import padded

LANGUAGES = ("en", "ru")
NONE = -1  # in place of a translation's row


class Tokens(Sequence[np.ndarray]):
    """Token ids of many sentences, special tokens included, in parts of two flat arrays each.

    Sentence i of a part (ids, starts) is `ids[starts[i] : starts[i + 1]]`. `lengths` is int [sentences].
    """

    def __init__(self, parts: Sequence[tuple[np.ndarray, np.ndarray]]) -> None:
        self.parts = list(parts)
        counts = [len(starts) - 1 for _, starts in self.parts]
        self.firsts = list(accumulate(counts, initial=0))  # the sentence that each part begins with, then their number
        self.lengths = np.concatenate([np.empty(0, dtype=np.int32), *(np.diff(starts) for _, starts in self.parts)])

    @classmethod
    def from_rows(cls, rows: Sequence[Sequence[int] | np.ndarray]) -> "Tokens":
        """From one list of ids per sentence, in memory."""
        flat = [np.asarray(row, dtype=np.int32) for row in rows]
        starts = np.cumsum([0, *map(len, flat)], dtype=np.int64)
        return cls([(np.concatenate([np.empty(0, dtype=np.int32), *flat]), starts)])

    @classmethod
    def from_dataset(cls, dataset: datasets.Dataset, column: str) -> "Tokens":
        """From a list column of a data set that is stored as it stands (no `select`); its files stay where they are."""
        chunks = dataset.data.column(column).chunks
        return cls([(chunk.values.to_numpy(), chunk.offsets.to_numpy()) for chunk in chunks])

    def __len__(self) -> int:
        return self.firsts[-1]

    def __getitem__(self, i: int) -> np.ndarray:  # type: ignore[override]
        if not 0 <= i < len(self):
            raise IndexError(f"sentence {i} of {len(self)}")
        part = bisect_right(self.firsts, i) - 1
        (ids, starts), place = self.parts[part], i - self.firsts[part]
        return ids[starts[place] : starts[place + 1]]

    def followed_by(self, others: "Tokens") -> "Tokens":
        """These sentences, then the others."""
        return Tokens([*self.parts, *others.parts])

    def blocks(self) -> Iterator[np.ndarray]:
        """All ids in the order of the sentences, a part at a time."""
        for ids, starts in self.parts:
            yield ids[starts[0] : starts[-1]]


@dataclass(frozen=True)
class Selected(Sequence[np.ndarray]):
    """Some of the sentences, by number; their ids are read when they are asked for."""

    tokens: Tokens
    numbers: np.ndarray

    def __len__(self) -> int:
        return len(self.numbers)

    def __getitem__(self, i: int) -> np.ndarray:  # type: ignore[override]
        return self.tokens[self.numbers[i]]


@dataclass(frozen=True)
class Targets:
    """One teacher's embeddings: sentence i's is row `index[i]` of the `shards` [rows, dimension], counted through."""

    shards: Sequence[np.ndarray]
    index: np.ndarray

    @classmethod
    def from_array(cls, embeddings: np.ndarray) -> "Targets":
        """From embeddings [sentences, dimension] in memory."""
        return cls([embeddings], np.arange(len(embeddings)))

    def take(self, sentences: np.ndarray) -> np.ndarray:
        """[sentences, dimension]: the embeddings of the sentences with these numbers."""
        starts = np.cumsum([0, *map(len, self.shards)])
        rows = self.index[sentences]
        places = np.searchsorted(starts, rows, side="right") - 1
        out = np.empty((len(rows), self.shards[0].shape[1]), dtype=self.shards[0].dtype)
        for shard in np.unique(places):
            here = places == shard
            out[here] = self.shards[shard][rows[here] - starts[shard]]
        return out

    def followed_by(self, others: "Targets") -> "Targets":
        """Targets of these sentences, then of the others."""
        rows = sum(map(len, self.shards))
        return Targets([*self.shards, *others.shards], np.concatenate([self.index, others.index + rows]))


@dataclass(frozen=True)
class Batch(TokenBatch):
    """Sentences in one padded block: rows 0..n-1 English, n..2n-1 their Russian.

    One block makes one pass through the student where two sides would make two. `teacher` is [2n, dimension], fp32;
    `queue`, where asked for, the same of other sentences. `translated` is False where the two halves are no
    translations of each other.
    """

    teacher: Tensor
    queue: Tensor | None = None
    translated: bool = True

    def to(self, device: torch.device) -> "Batch":
        queue = None if self.queue is None else self.queue.to(device)
        ids, mask, teacher = (block.to(device) for block in (self.input_ids, self.attention_mask, self.teacher))
        return Batch(ids, mask, teacher, queue, self.translated)


@dataclass(frozen=True)
class SentenceTable:
    """A row is a sentence: its token ids, its language, the row of its translation or none, and its targets.

    `languages` is int8 [sentences], numbers in LANGUAGES; `translations` int32 [sentences], rows or NONE. With several
    teachers a target is their embeddings side by side, the first one's as long as the student's embedding.
    """

    tokens: Tokens
    languages: np.ndarray
    translations: np.ndarray
    targets: Sequence[Targets] = ()

    @classmethod
    def of_pairs(cls, en: Tokens, ru: Tokens, targets: Sequence[Targets] = ()) -> "SentenceTable":
        """The English sentences, then the Russian: sentence i of `ru` translates sentence i of `en`."""
        rows = np.arange(2 * len(en), dtype=np.int32)
        languages = np.repeat(np.arange(2, dtype=np.int8), len(en))
        return cls(en.followed_by(ru), languages, np.roll(rows, len(en)), targets)

    @classmethod
    def of_single(cls, tokens: Tokens, languages: Sequence[str], targets: Sequence[Targets] = ()) -> "SentenceTable":
        """Sentences without translation, each of a language in LANGUAGES."""
        numbers = np.array([LANGUAGES.index(language) for language in languages], dtype=np.int8)
        return cls(tokens, numbers, np.full(len(tokens), NONE, dtype=np.int32), targets)

    @classmethod
    def from_dataset(cls, dataset: datasets.Dataset, targets: Sequence[Targets] = ()) -> "SentenceTable":
        """The pairs of a split that `headshrink.data.shards.read_split` gives."""
        en, ru = (Tokens.from_dataset(dataset, column) for column in ("en_ids", "ru_ids"))
        return cls.of_pairs(en, ru, targets)

    def followed_by(self, others: "SentenceTable") -> "SentenceTable":
        """These rows, then the others, of as many teachers."""
        moved = np.where(others.translations == NONE, NONE, others.translations + len(self)).astype(np.int32)
        return SentenceTable(
            self.tokens.followed_by(others.tokens),
            np.concatenate([self.languages, others.languages]),
            np.concatenate([self.translations, moved]),
            [own.followed_by(more) for own, more in zip(self.targets, others.targets, strict=True)],
        )

    def with_targets(self, targets: Sequence[Targets]) -> "SentenceTable":
        """The same rows with these targets."""
        return replace(self, targets=targets)

    def __len__(self) -> int:
        return len(self.tokens)

    @cached_property
    def pair_rows(self) -> np.ndarray:
        """int64 [2, pairs]: rows of translations of each other, the language first in LANGUAGES above."""
        rows = np.flatnonzero(self.translations != NONE)
        rows = rows[self.languages[rows] < self.languages[self.translations[rows]]]
        return np.stack([rows, self.translations[rows]])

    @property
    def sides(self) -> tuple[Sequence[np.ndarray], Sequence[np.ndarray]]:
        """Token ids of both sides of the pairs."""
        first, second = self.pair_rows
        return Selected(self.tokens, first), Selected(self.tokens, second)

    @property
    def pairs(self) -> int:
        """The number of pairs."""
        return int(self.pair_rows.shape[1])

    def batch(self, halves: np.ndarray, pad_id: int, queue: np.ndarray | None = None) -> Batch:
        """Sentences by number, [2, n], padded to the longest among them; of those in `queue` the targets alone."""
        rows = [self.tokens[i] for i in halves.ravel()]
        ids, mask = map(torch.from_numpy, padded(rows, pad_id))
        others = None if queue is None else self.embeddings(queue)
        translated = bool((self.translations[halves[0]] == halves[1]).all())
        return Batch(ids, mask, self.embeddings(halves), others, translated)

    def embeddings(self, halves: np.ndarray) -> Tensor:
        """fp32 [2n, dimension]: the teachers' embeddings of sentences by number, [2, n]."""
        each = [targets.take(halves.ravel()) for targets in self.targets]
        return torch.from_numpy(np.concatenate(each, axis=1).astype(np.float32))
