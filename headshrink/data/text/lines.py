"""Lines of UTF-8 text: the one definition of a line for every reader.

A line ends with \\n or \\r\\n and with nothing else: U+2028, U+0085, form feeds and a lone \\r are characters of a
sentence, as the writers of corpora use them. A byte order mark at the start of a file is no text.
"""

import gzip
import stat
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, cast

from headshrink.errors import HeadshrinkError

MAX_LINE_BYTES = 1 << 20  # without the line end; a corpus's longest sentences have a few thousand
MARK = "\ufeff"
ALLOWED = "allowed is UTF-8 text, with or without a byte order mark"


def read_lines(path: Path) -> Iterator[str]:
    """Lines of a file or pipe without their ends, read as they are asked for; gunzipped where the name ends in .gz.

    Raises HeadshrinkError for what cannot be read, a gzip file that is not whole, and as `decoded`.
    """
    with opened(path) as stream:
        yield from decoded(stream, path)


def count_file_lines(path: Path) -> int:
    """How many lines a file has; HeadshrinkError for what cannot be read."""
    with opened(path) as stream:
        return count_lines(stream)


@contextmanager
def opened(path: Path) -> Iterator[IO[bytes]]:
    """A file's bytes, gunzipped where its name ends in .gz; errors of reading are one line."""
    try:
        with open(path, "rb") as file:
            yield cast(IO[bytes], gzip.GzipFile(fileobj=file)) if path.suffix == ".gz" else file
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise HeadshrinkError(f"{path} is not a whole gzip file ({error}): fetch it again") from error
    except OSError as error:
        raise unreadable(path, error) from error


def decoded(stream: IO[bytes], name: Path | str) -> Iterator[str]:
    """Lines of a stream of bytes without their ends; at most one line is in memory.

    Raises HeadshrinkError with `name`, line and byte (both from 1) for a byte that is not UTF-8 or is NUL, and with
    the line for one of more than MAX_LINE_BYTES.
    """
    number = 0
    while raw := stream.readline(MAX_LINE_BYTES + len(b"\r\n")):
        number += 1
        line = raw.removesuffix(b"\n").removesuffix(b"\r") if raw.endswith(b"\n") else raw
        if len(line) > MAX_LINE_BYTES:
            raise HeadshrinkError(f"{name}, line {number} is longer than {MAX_LINE_BYTES:,} bytes: split it")
        text = decode(line, name, number)
        yield text.removeprefix(MARK) if number == 1 else text


def count_lines(stream: IO[bytes]) -> int:
    """How many lines `decoded` gives of a stream."""
    count, last = 0, b"\n"
    while block := stream.read(MAX_LINE_BYTES):
        count, last = count + block.count(b"\n"), block[-1:]
    return count + (last != b"\n")


def read_text(path: Path) -> str:
    """A whole file, for formats that are no lines (JSON); HeadshrinkError as `read_lines`, lines of any length."""
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise unreadable(path, error) from error
    return "\n".join(decode(line, path, number) for number, line in enumerate(raw.split(b"\n"), 1)).removeprefix(MARK)


def decode(line: bytes, name: Path | str, number: int) -> str:
    """The text of a line; HeadshrinkError names the first byte that cannot be in a text."""
    try:
        text = line.decode("utf-8")
    except UnicodeDecodeError as error:
        raise no_text(line, name, number, error.start) from error
    if "\0" in text:
        raise no_text(line, name, number, line.index(0))
    return text


def no_text(line: bytes, name: Path | str, number: int, place: int) -> HeadshrinkError:
    return HeadshrinkError(f"{name}, line {number}, byte {place + 1}: 0x{line[place]:02x} is no text here; {ALLOWED}")


def unreadable(path: Path, error: OSError) -> HeadshrinkError:
    return HeadshrinkError(f"cannot read {path} ({error.strerror or error}): a file of text is needed")


def listed(folder: Path) -> list[Path]:
    """A folder's entries by name, hidden ones left out: programs leave files of their own in a folder of text."""
    try:
        return sorted(entry for entry in folder.iterdir() if not entry.name.startswith("."))
    except OSError as error:
        raise unreadable(folder, error) from error


def readable_once(path: Path) -> bool:
    """Whether a path is a pipe, a process substitution, a device or a socket: what it gives is gone once it is read."""
    try:
        mode = path.stat().st_mode
    except OSError as error:
        raise unreadable(path, error) from error
    return not (stat.S_ISREG(mode) or stat.S_ISDIR(mode))
