"""Reading the suite's files: hashes, columns and emptiness checked, one line on what is wrong."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

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
        listing = json.loads((folder / LISTING).read_text(encoding="utf-8"))
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



def read_table(suite: Suite, name: str, columns: list[str]) -> dict[str, Any]:
    """Columns of a CSV file of the suite as numpy arrays; HeadshrinkError as `checked` and `read_columns`."""
    return read_columns(checked(suite, name), columns)


def read_columns(path: Path, columns: list[str]) -> dict[str, Any]:
    """Columns of a CSV file as numpy arrays.

    Raises HeadshrinkError for a missing column, a file without rows, or a cell of these columns without a value.
    """
    import pandas as pd

    try:
        table = pd.read_csv(path)
    except (OSError, pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError) as error:
        reason = " ".join(str(error).split())
        raise HeadshrinkError(f"{path} cannot be read ({reason}): a CSV with {', '.join(columns)} is needed") from error
    for column in columns:
        if column not in table:
            raise HeadshrinkError(f"{path} has no column {column}: it holds {', '.join(map(str, table.columns))}")
        if table[column].isna().any():
            row = int(table[column].isna().argmax())
            raise HeadshrinkError(f"{path}: no {column} in row {row + 1}; every row needs one")
    if table.empty:
        raise HeadshrinkError(f"{path} holds no rows: at least one is needed")
    return {column: table[column].to_numpy() for column in columns}


def read_entities(suite: Suite, name: str) -> tuple[list[str], list[list[tuple[str, int, int]]]]:
    """Texts and their entities (type, first character, one past the last) of an NE file."""
    path = checked(suite, name)
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        texts, labels = data["texts"], [[(kind, start, end) for kind, start, end in row] for row in data["labels"]]
    except (ValueError, KeyError, TypeError) as error:
        raise HeadshrinkError(f"{path}: {error!r}; texts and labels (type, start, end) are needed") from error
    if not texts or len(texts) != len(labels):
        raise HeadshrinkError(f"{path} holds {len(texts)} texts and {len(labels)} label lists: one a text is needed")
    return texts, labels


def read_sample(suite: Suite) -> list[str]:
    """The sentences of the speed task, one a line."""
    path = checked(suite, "sentences_sample.txt")
    return [line.strip() for line in path.read_text(encoding="utf-8").splitlines()]


def read_pairs(path: Path) -> tuple[list[str], list[str]]:
    """English and Russian sides of a file of pairs, English TAB Russian, one pair a line, UTF-8."""
    try:
        rows = [line.split("\t") for line in path.read_text(encoding="utf-8").splitlines()]
    except (OSError, UnicodeDecodeError) as error:
        raise HeadshrinkError(f"{path} cannot be read ({error}): English, tab, Russian on every line") from error
    wrong = next((i for i, row in enumerate(rows, 1) if len(row) != 2 or not all(side.strip() for side in row)), None)
    if wrong or not rows:
        raise HeadshrinkError(f"{path}: line {wrong or 1} is no pair; English, tab, Russian on every line")
    return [en for en, _ in rows], [ru for _, ru in rows]
