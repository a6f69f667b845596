"""Parallel text in local files: TSV, or two aligned files; one of them or a folder; plain or gzipped."""

import re
from collections.abc import Iterator
from pathlib import Path

from headshrink.corpus.lines import aligned, read_lines
from headshrink.corpus.sources._base import Pair, Source
from headshrink.errors import HeadshrinkError

SIDE = re.compile(r"\.(en|ru)(?=(\.txt)?(\.gz)?$)")
FORMS = "NAME.tsv[.gz] (English TAB Russian), or NAME.en[.txt][.gz] with its NAME.ru[.txt][.gz]"


class Parallel(Source):
    """Files of FORMS, or a folder of them; a pair's source is the file's name up to its endings.

    A TSV's columns after the second are ignored. Of a folder, files are read in the order of their names; other files
    are left alone, and so are names that begin with `mono.`, by which collections mark text without translation. Two
    aligned files outside a folder are given by the English one; DVC, which watches the path, then misses a change of
    the Russian one, so a folder is better.
    """

    def __init__(self, path: Path) -> None:
        self.path, self.label = path, path.name

    def pairs(self) -> Iterator[Pair]:
        for file in self.files():
            yield from read_aligned(file) if SIDE.search(file.name) else read_tsv(file)

    def files(self) -> list[Path]:
        """TSV files, and the English one of each aligned pair."""
        if not self.path.is_dir():
            found = [self.path] if self.path.is_file() and is_entry(self.path) else []
        else:
            found = [file for file in sorted(self.path.iterdir()) if is_entry(file) and not is_mono(file)]
        if not found:
            raise HeadshrinkError(f"no parallel text in {self.path}: it, or a file in it, must be {FORMS}")
        return found


def is_mono(file: Path) -> bool:
    return file.name.startswith("mono.")


def is_entry(file: Path) -> bool:
    """Whether a file is a TSV or stands for an aligned pair: the English side, or a Russian one left alone."""
    if side := SIDE.search(file.name):
        return side[1] == "en" or not other_side(file).exists()
    return file.name.removesuffix(".gz").endswith(".tsv")


def other_side(file: Path) -> Path:
    """The file that holds the other language of an aligned pair."""
    return file.with_name(SIDE.sub(lambda side: ".ru" if side[1] == "en" else ".en", file.name))


def read_tsv(file: Path) -> Iterator[Pair]:
    stem = file.name.removesuffix(".gz").removesuffix(".tsv")
    for line in read_lines(file):
        en, _, rest = line.partition("\t")
        yield Pair(en, rest.partition("\t")[0], stem)


def read_aligned(file: Path) -> Iterator[Pair]:
    other = other_side(file)
    if not other.is_file():
        raise HeadshrinkError(f"{file} has no {other.name} beside it: aligned text needs both sides")
    stem = file.name[: SIDE.search(file.name).start()]  # type: ignore[union-attr]
    for en, ru in aligned(read_lines(file), read_lines(other), (file.name, other.name)):
        yield Pair(en, ru, stem)
