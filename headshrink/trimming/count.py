"""How often each token occurs in a text, by language: streamed, on all cores."""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import chain

import numpy as np
from tokenizers import Encoding, Tokenizer

from headshrink.errors import HeadshrinkError
from headshrink.progress import Bar
from headshrink.trimming.text import WITHOUT_LETTERS, Hinted, Languages

SENTENCES, CHARACTERS = 4_096, 1 << 19  # of a chunk, at most
AHEAD = 3  # chunks that wait while one is tokenised: the memory does not depend on the text


@dataclass
class Counts:
    """Occurrences of each token, int64 [vocabulary], and the number of sentences, by group of `Languages`.

    `foreign` is the number of sentences whose letters are of other scripts; they are not counted. `sources` are the
    occurrences in each of several texts that were counted apart.
    """

    vocabulary: int
    tokens: dict[str, np.ndarray] = field(default_factory=dict)
    sentences: dict[str, int] = field(default_factory=dict)
    foreign: int = 0
    sources: list[dict[str, np.ndarray]] = field(default_factory=list)

    def add(self, other: "Counts") -> None:
        """Add those of another text."""
        for group, tokens in other.tokens.items():
            self.tokens[group] = self.tokens.get(group, 0) + tokens
            self.sentences[group] = self.sentences.get(group, 0) + other.sentences[group]
        self.foreign += other.foreign

    def shares(self, group: str) -> np.ndarray:
        """Each token's share of a group's occurrences: the greatest of its shares in the sources, float [vocabulary].

        So a large text of one kind, as of short sentences, does not decide alone.
        """
        parts = [source[group] for source in self.sources or [self.tokens] if group in source]
        shares: np.ndarray = np.max([part / max(1, part.sum()) for part in parts], axis=0)
        return shares

    def by_language(self) -> dict[str, np.ndarray]:
        """Occurrences of each token, without those of sentences that have no letter."""
        return {group: tokens for group, tokens in self.tokens.items() if group != WITHOUT_LETTERS}

    def total(self) -> np.ndarray:
        """Occurrences of each token in all groups."""
        return sum(self.tokens.values(), np.zeros(self.vocabulary, dtype=np.int64))


def count_text(tokenizer: Tokenizer, text: Iterable[Hinted], languages: Sequence[str], vocabulary: int) -> Counts:
    """Counts of whole sentences, without special tokens; `tokenizer` must neither cut nor pad.

    A chunk is tokenised by all cores while the next ones are read. Raises HeadshrinkError where no sentence is in one
    of the languages.
    """
    counts, waiting, sorter = Counts(vocabulary), deque[Future[Counts]](), Languages(languages)
    with ThreadPoolExecutor(2) as pool, Bar("counting tokens of sentences", None) as bar:
        for chunk in chunks(text):
            waiting.append(pool.submit(count_chunk, tokenizer, chunk, sorter, vocabulary))
            bar.advance(len(chunk))
            if len(waiting) > AHEAD:
                counts.add(waiting.popleft().result())
        for last in waiting:
            counts.add(last.result())
    if not counts.by_language():
        raise HeadshrinkError(
            f"no sentence of the text is in {' or '.join(languages)} ({counts.foreign:,} are in other scripts)"
        )
    return counts


def joined(parts: Sequence[Counts]) -> Counts:
    """The counts of several texts as those of one that has them as its sources."""
    whole = Counts(parts[0].vocabulary, sources=[part.by_language() for part in parts])
    for part in parts:
        whole.add(part)
    return whole


def chunks(text: Iterable[Hinted]) -> Iterator[list[Hinted]]:
    """The sentences in parts, each so large that a call of the tokenizer is worth it."""
    chunk: list[Hinted] = []
    size = 0
    for hinted in text:
        chunk.append(hinted)
        size += len(hinted[1])
        if len(chunk) >= SENTENCES or size >= CHARACTERS:
            yield chunk
            chunk, size = [], 0
    if chunk:
        yield chunk


def count_chunk(tokenizer: Tokenizer, chunk: Sequence[Hinted], sorter: Languages, vocabulary: int) -> Counts:
    """Counts of a part of the text."""
    counts, groups = Counts(vocabulary), sorter.groups(chunk)
    for group in sorted({group for group in groups if group is not None}):
        own = [sentence for (_, sentence), its in zip(chunk, groups, strict=True) if its == group]
        encodings: list[Encoding] = tokenizer.encode_batch_fast(own, add_special_tokens=False)
        ids = np.fromiter(chain.from_iterable(encoding.ids for encoding in encodings), dtype=np.int64)
        counts.tokens[group] = np.bincount(ids, minlength=vocabulary)
        counts.sentences[group] = len(own)
    counts.foreign = groups.count(None)
    return counts
