"""Pairs of the grammar: the embedded default, no network and no files. Generated data, labelled so."""

from collections.abc import Iterator

from demo.grammar.sentences import aligned
from headshrink.data.corpus.sources import Pair, Source


class Generated(Source):
    """`count` distinct pairs of the bilingual grammar; a larger count keeps the same pairs and adds to them."""

    label = "generated"

    def __init__(self, count: int, seed: int) -> None:
        self.count = self.total = count
        self.seed = seed

    def pairs(self) -> Iterator[Pair]:
        for english, russian in aligned(self.count, self.seed):
            yield Pair(english, russian, self.label)
