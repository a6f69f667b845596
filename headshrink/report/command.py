"""`headshrink compare`: a page that sets two models side by side, sentence by sentence."""

from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from headshrink.benchmark.sentences import compare_sentences, distinct_texts
from headshrink.benchmark.suite._pairs import Pairs
from headshrink.errors import HeadshrinkError
from headshrink.escape import visible
from headshrink.model import load_encoder
from headshrink.report.sentences import write_sentences

COLOURS = ("#4c566a", "#2e7d6b")


def main(
    first: Annotated[Path, typer.Argument(help="model folder, for instance the teacher")],
    second: Annotated[Path, typer.Argument(help="model folder, for instance its student")],
    pairs: Annotated[Path, typer.Option(help="UTF-8 file: sentence, tab, sentence[, tab, label]; a pair a line")],
    output: Annotated[Path, typer.Option(help="the page to write")] = Path("compare.html"),
) -> None:
    """Show the pairs whose similarity moved most and the sentences whose nearest neighbours changed."""
    data = read_pairs(pairs)
    texts = distinct_texts(data)
    names = names_of(first, second)
    folders = dict(zip(names, (first, second), strict=True))
    vectors = {name: load_encoder(folder).encode(texts, progress=True) for name, folder in folders.items()}
    labels = {name: str(folder) for name, folder in folders.items()} | {"pairs": str(pairs)}
    colours = dict(zip(names, COLOURS, strict=True))
    title = f"{names[0]} and {names[1]}, sentence by sentence"
    write_sentences(compare_sentences(data, vectors), output, title, labels, colours)
    typer.echo(f"{visible(str(output))}: {len(texts):,} sentences, {len(data.left):,} pairs")


def names_of(first: Path, second: Path) -> tuple[str, str]:
    """The folders' own names; with what tells them apart where those are the same."""
    if first.name != second.name:
        return first.name, second.name
    return str(first), str(second) if first != second else f"{second} (second)"


def read_pairs(path: Path) -> Pairs:
    """Pairs of a tab-separated file; the label is NaN where a line has none.

    Raises HeadshrinkError where the file cannot be read, holds no pair, or a line is not two sentences and a number.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise HeadshrinkError(f"cannot read {path} ({error}): a UTF-8 file of pairs is needed") from error
    rows = [(number, line.split("\t")) for number, line in enumerate(lines, start=1) if line.strip()]
    try:
        left, right, label = zip(*[parse(number, cells) for number, cells in rows], strict=True)
    except ValueError as error:
        reason = error if rows else "it is empty"
        raise HeadshrinkError(f"{path}: {reason}; each line is sentence, tab, sentence[, tab, label]") from error
    return Pairs(list(left), list(right), np.array(label))


def parse(number: int, cells: list[str]) -> tuple[str, str, float]:
    if len(cells) not in (2, 3):
        raise ValueError(f"line {number} has {len(cells)} columns")
    try:
        return cells[0], cells[1], float(cells[2]) if len(cells) == 3 else float("nan")
    except ValueError:
        raise ValueError(f"line {number}: the label {cells[2]!r} is no number") from None
