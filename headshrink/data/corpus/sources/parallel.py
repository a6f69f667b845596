"""Parallel text in local files: TSV, or two aligned files; one of them or a folder; plain or gzipped."""

from collections.abc import Iterator
from pathlib import Path

from headshrink.data.corpus.sources._base import Source
from headshrink.data.text.pairs import Pair, count_rows, read_pairs


class Parallel(Source):
    """What `read_pairs` finds in a file or folder.

    Two aligned files outside a folder are given by the English one; DVC, which watches the path, then misses a change
    of the Russian one, so a folder is better.
    """

    def __init__(self, path: Path) -> None:
        self.path, self.label = path, path.name

    def pairs(self) -> Iterator[Pair]:
        self.total = count_rows(self.path)
        return read_pairs(self.path)
