"""Sentence pairs of a file or folder, TSV or two aligned files, plain or gzipped: read the same way everywhere."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import NamedTuple, TypeVar

from headshrink.data.text.lines import count_file_lines, listed, read_lines, readable_once
from headshrink.errors import HeadshrinkError
from headshrink.progress import note

SIDE = re.compile(r"\.(en|ru)(?=(\.txt)?(\.gz)?$)")
FORMS = "NAME.tsv[.gz] (English TAB Russian), or NAME.en[.txt][.gz] with its NAME.ru[.txt][.gz]"

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Pair:
    """A sentence and its translation; `source` names the file or data set it came from, for the counts."""

    en: str
    ru: str
    source: str


class Row(NamedTuple):
    """A line of a TSV, or of two aligned files: its two sentences, and what follows the second tab."""

    file: Path
    number: int  # of the line, from 1
    left: str
    right: str
    further: str


def read_pairs(path: Path) -> Iterator[Pair]:
    """Every pair of a file or folder, those without a side too; a pair's source is its file's name up to its endings.

    A TSV's columns after the second are ignored: collections keep scores and attributions there.
    """
    for row in read_rows(path):
        yield Pair(row.left, row.right, stem(row.file))


def complete_rows(path: Path) -> list[Row]:
    """The rows of a file or folder that have both sides; the number of the others is said in one line.

    Raises HeadshrinkError where no row is left.
    """
    rows, count = [], 0
    for row in read_rows(path):
        count += 1
        if row.left.strip() and row.right.strip():
            rows.append(row)
    if not rows:
        raise HeadshrinkError(f"no pair in {path} ({count} lines): each line is sentence, tab, translation")
    if len(rows) < count:
        note(f"{path}: {count - len(rows)} of {count} lines lack a side and are left out")
    return rows


def count_rows(path: Path) -> int | None:
    """How many rows `read_rows` gives; None for a pipe and for what `read_rows` refuses."""
    try:
        files = folder_files(path) if path.is_dir() else [path]
        return None if any(map(readable_once, files)) else sum(map(count_file_lines, files))
    except HeadshrinkError:
        return None


def read_rows(path: Path) -> Iterator[Row]:
    """Every line of a file or folder as a row; a missing side is the empty string.

    Of a folder, files of FORMS are read in the order of their names; other files are left alone, and so are names that
    begin with `mono.`, by which collections mark text without translation, or with a full stop. A path that is no
    folder is two aligned files where its name is that of either side, and else, a pipe among them, a TSV. Raises
    HeadshrinkError as `read_lines`, for a folder without such a file and for aligned files that do not fit.
    """
    for file in folder_files(path) if path.is_dir() else [path]:
        yield from aligned_rows(file) if SIDE.search(file.name) else tsv_rows(file)


def folder_files(folder: Path) -> list[Path]:
    """TSV files of a folder, and one file of each aligned pair."""
    found = [file for file in listed(folder) if is_entry(file) and not file.name.startswith("mono.")]
    if not found:
        raise HeadshrinkError(f"no parallel text in {folder}: it, or a file in it, must be {FORMS}")
    return found


def is_entry(file: Path) -> bool:
    """Whether a file is a TSV or stands for an aligned pair: the English side, or a Russian one left alone."""
    if side := SIDE.search(file.name):
        return side[1] == "en" or not other_side(file).exists()
    return file.name.removesuffix(".gz").endswith(".tsv")


def other_side(file: Path) -> Path:
    """The file that holds the other language of an aligned pair."""
    return file.with_name(SIDE.sub(lambda side: ".ru" if side[1] == "en" else ".en", file.name))


def stem(file: Path) -> str:
    """A file's name without what says its form."""
    side = SIDE.search(file.name)
    return file.name[: side.start()] if side else file.name.removesuffix(".gz").removesuffix(".tsv")


def tsv_rows(file: Path) -> Iterator[Row]:
    for number, line in enumerate(read_lines(file), 1):
        left, _, rest = line.partition("\t")
        right, _, further = rest.partition("\t")
        yield Row(file, number, left, right, further)


def aligned_rows(file: Path) -> Iterator[Row]:
    """Rows of the two files that `file`, either of them, belongs to."""
    other = other_side(file)
    if not other.exists():
        raise HeadshrinkError(f"{file} has no {other.name} beside it: aligned text needs both sides")
    en, ru = sorted((file, other), key=lambda one: SIDE.search(one.name)[1])  # type: ignore[index]
    lines = aligned(read_lines(en), read_lines(ru), (en.name, ru.name))
    for number, (left, right) in enumerate(lines, 1):
        yield Row(en, number, left, right, "")


def aligned(en: Iterable[str], ru: Iterable[str], names: tuple[str, str]) -> Iterator[tuple[str, str]]:
    """Line i of one side with line i of the other.

    Raises HeadshrinkError with both counts at the end where the sides differ in length: which lines belong together
    is then unknown, from the beginning.
    """
    counts = [0, 0]
    for pair in zip_longest(en, ru):
        for side, line in enumerate(pair):
            counts[side] += line is not None
        if counts[0] == counts[1]:
            yield pair
    if counts[0] != counts[1]:
        raise HeadshrinkError(
            f"{names[0]} has {counts[0]} lines and {names[1]} {counts[1]}: aligned files need equally many"
        )


def spread(rows: Sequence[Item], count: int) -> Sequence[Item]:
    """At most `count` of the rows, evenly spaced: in a folder, sources come one after another."""
    return rows[:: max(1, len(rows) // count)][:count]
