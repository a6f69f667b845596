"""Columns of a CSV file with a header: texts stay as they are written, a missing cell or number is refused."""

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from headshrink.data.text.lines import read_lines
from headshrink.errors import HeadshrinkError


def read_columns(
    path: Path, texts: Sequence[str], labels: Sequence[str] = (), numbers: Sequence[str] = ()
) -> dict[str, Any]:
    """Columns of a CSV as numpy arrays: `texts` and then `labels` and `numbers` by name.

    A text is what is written, `NA`, `null`, `1945` and `True` included. A label is a number where all of its column
    are, as pandas reads them, and else the word. Raises HeadshrinkError as `read_lines`, for a missing column, a file
    without rows, a cell of these columns without a value, and a cell of `numbers` that is no finite number.
    """
    table = read_table(path, texts)
    wanted = [*texts, *labels, *numbers]
    if missing := [column for column in wanted if column not in table]:
        raise HeadshrinkError(f"{path} has no column {missing[0]}: it holds {', '.join(map(str, table.columns))}")
    if table.empty:
        raise HeadshrinkError(f"{path} holds no rows: at least one is needed")
    for column in wanted:
        refuse(path, column, table[column].isna() | (table[column].astype(str) == ""), "every row needs one")
    for column in numbers:
        table[column] = finite_numbers(path, table[column])
    return {column: table[column].to_numpy() for column in wanted}


def read_texts(path: Path, columns: Sequence[str]) -> dict[str, list[str]]:
    """Those of the columns that a CSV has, as they are written, empty cells included; HeadshrinkError where none is."""
    table = read_table(path, columns)
    found = [column for column in table if column in columns]
    if not found:
        raise HeadshrinkError(f"{path} has no column of {', '.join(columns)}: it holds {', '.join(table.columns)}")
    return {column: list(table[column].fillna("")) for column in found}


def read_table(path: Path, texts: Sequence[str]) -> Any:
    """A CSV as a pandas frame without missing values; HeadshrinkError where it is none."""
    import pandas as pd

    content = io.StringIO("\n".join(read_lines(path)))
    how: dict[str, Any] = {"lineterminator": "\n", "keep_default_na": False, "dtype": dict.fromkeys(texts, str)}
    try:
        table = pd.read_csv(content, **how)
    except (pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        reason = " ".join(str(error).split())
        raise HeadshrinkError(f"{path} cannot be read ({reason}): a CSV with a header is needed") from error
    if len(table.columns) == 1 and ";" in table.columns[0]:  # as spreadsheet programs save where the comma is decimal
        raise HeadshrinkError(f"{path} separates columns by semicolons: save it with commas, numbers with a point")
    if not isinstance(table.index, pd.RangeIndex):  # pandas takes a cell too many for the row's name
        raise HeadshrinkError(f"{path}: rows have more cells than the header; as many are needed")
    return table


def finite_numbers(path: Path, cells: Any) -> Any:
    """A column as numbers; HeadshrinkError names the first cell that is none."""
    import pandas as pd

    if cells.dtype.kind in "iuf" and np.isfinite(cells).all():
        return cells
    found = pd.to_numeric(cells.astype(str), errors="coerce")
    refuse(path, str(cells.name), ~np.isfinite(found), "a number with a decimal point is needed", cells)
    return found


def refuse(path: Path, column: str, wrong: Any, needed: str, cells: Any = None) -> None:
    """Raise HeadshrinkError that names the first row (from 1, without the header) where `wrong` is true."""
    if wrong.any():
        row = int(np.argmax(wrong))
        shown = "" if cells is None else f" but {str(cells.iloc[row])!r}"
        raise HeadshrinkError(f"{path}: no {column}{shown} in row {row + 1}; {needed}")
