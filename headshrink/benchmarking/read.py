"""Reading the suite's files: hashes, columns and emptiness checked, one line on what is wrong."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from headshrink.data.text.lines import read_lines, read_text
from headshrink.data.text.tables import read_columns
from headshrink.errors import HeadshrinkError
from headshrink.hashing import file_sha256

LISTING = "suite.json"


@dataclass(frozen=True)
class Suite:
    """A folder of encodechka's data files; `sha256` of each file where a suite.json states them."""

    folder: Path
    label: str
    generated: bool
    sha256: dict[str, str]


def open_suite(folder: Path) -> Suite:
    """The suite in a folder: as its suite.json says, else a plain folder of files under their own names.

    Raises HeadshrinkError where the folder or its listing cannot be read.
    """
    if not folder.is_dir():
        raise HeadshrinkError(f"no suite folder {folder}: give a folder with encodechka's data files")
    if not (folder / LISTING).is_file():
        return Suite(folder, folder.resolve().name, False, {})
    try:
        listing = json.loads(read_text(folder / LISTING))
        return Suite(folder, listing["label"], listing["generated"], listing["files"])
    except (ValueError, KeyError) as error:
        raise HeadshrinkError(f"{folder / LISTING}: {error}; label, generated and files are needed") from error


def checked(suite: Suite, name: str) -> Path:
    """Path of a suite file that exists, is not empty and has the stated hash; HeadshrinkError otherwise."""
    path = suite.folder / name
    if not path.is_file():
        raise HeadshrinkError(f"no {name} in the suite folder {suite.folder}: all of encodechka's files are needed")
    if not path.stat().st_size:
        raise HeadshrinkError(f"{path} is empty: encodechka's file of that name is needed")
    stated = suite.sha256.get(name)
    if stated and (found := file_sha256(path)) != stated:
        raise HeadshrinkError(f"{path} has sha256 {found}, but {LISTING} states {stated}: fetch the suite again")
    return path



def read_table(
    suite: Suite, name: str, texts: Sequence[str], labels: Sequence[str] = (), numbers: Sequence[str] = ()
) -> dict[str, Any]:
    """Columns of a CSV file of the suite as numpy arrays; HeadshrinkError as `checked` and `read_columns`."""
    return read_columns(checked(suite, name), texts, labels, numbers)


def read_entities(suite: Suite, name: str) -> tuple[list[str], list[list[tuple[str, int, int]]]]:
    """Texts and their entities (type, first character, one past the last) of an NE file."""
    path = checked(suite, name)
    try:
        data = json.loads(read_text(path))
        texts, labels = data["texts"], [[(kind, start, end) for kind, start, end in row] for row in data["labels"]]
    except (ValueError, KeyError, TypeError) as error:
        raise HeadshrinkError(f"{path}: {error!r}; texts and labels (type, start, end) are needed") from error
    if not texts or len(texts) != len(labels):
        raise HeadshrinkError(f"{path} holds {len(texts)} texts and {len(labels)} label lists: one a text is needed")
    return texts, labels


def read_sample(suite: Suite) -> list[str]:
    """The sentences of the speed task, one a line."""
    return [line.strip() for line in read_lines(checked(suite, "sentences_sample.txt"))]
