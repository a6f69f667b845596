"""Lines of text files, plain, gzipped or inside an archive, one side or two aligned ones."""

import gzip
import io
import zlib
from collections.abc import Iterable, Iterator
from itertools import zip_longest
from pathlib import Path
from typing import IO, cast

from headshrink.errors import HeadshrinkError


def decoded(stream: IO[bytes]) -> Iterator[str]:
    """Lines without their ends. Bytes that are not UTF-8 become lone surrogates, for cleaning to find and count."""
    # Only \n ends a line: a lone \r or U+2028 inside a sentence must not shift two aligned files against each other.
    with io.TextIOWrapper(stream, encoding="utf-8", errors="surrogateescape", newline="\n") as text:
        for line in text:
            yield line.rstrip("\r\n")


def read_lines(path: Path) -> Iterator[str]:
    """Lines of a file, gunzipped where its name ends in .gz; HeadshrinkError where it is no whole gzip file."""
    try:
        with open(path, "rb") as file:
            yield from decoded(cast(IO[bytes], gzip.GzipFile(fileobj=file)) if path.suffix == ".gz" else file)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise HeadshrinkError(f"{path} is not a whole gzip file ({error}): fetch it again") from error


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
