"""Sentences of one language or the other, a line each: a file, a pipe or a folder of .txt files."""

from collections.abc import Iterator
from pathlib import Path

from headshrink.data.text.lines import listed, read_lines
from headshrink.errors import HeadshrinkError

ENDINGS = (".txt", ".txt.gz")


def read_sentences(path: Path) -> Iterator[str]:
    """The lines that are not blank, without blanks at their ends; of a folder those of its .txt[.gz] files by name.

    Raises HeadshrinkError as `read_lines`, and at the end where there was no sentence.
    """
    found = False
    files = [file for file in listed(path) if file.name.endswith(ENDINGS)] if path.is_dir() else [path]
    for file in files:
        for line in read_lines(file):
            if sentence := line.strip():
                found = True
                yield sentence
    if not found:
        raise HeadshrinkError(f"no sentence in {path}: one sentence per line is needed, in a file or in .txt files")
