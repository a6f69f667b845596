"""`headshrink compare`: a page that sets two models side by side, sentence by sentence."""

from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from headshrink.benchmarking.sentences import compare_sentences, distinct_texts
from headshrink.benchmarking.suite._pairs import Pairs
from headshrink.data.text.pairs import Row, complete_rows
from headshrink.errors import HeadshrinkError
from headshrink.escape import visible
from headshrink.model import load_encoder
from headshrink.output import check_file
from headshrink.report.sentences import write_sentences

COLOURS = ("#4c566a", "#2e7d6b")


def main(
    first: Annotated[Path, typer.Argument(help="model folder, for instance the teacher")],
    second: Annotated[Path, typer.Argument(help="model folder, for instance its student")],
    pairs: Annotated[Path, typer.Option(help="TSV (sentence, sentence[, label]), aligned files or a folder of them")],
    out: Annotated[Path, typer.Option(help="the page to write")] = Path("compare.html"),
) -> None:
    """Show the pairs whose similarity moved most and the sentences whose nearest neighbours changed."""
    check_file(out)
    data = read_labelled(pairs)
    texts = distinct_texts(data)
    names = model_names(first, second)
    folders = dict(zip(names, (first, second), strict=True))
    vectors = {name: load_encoder(folder).encode(texts, progress=True) for name, folder in folders.items()}
    labels = {name: str(folder) for name, folder in folders.items()} | {"pairs": str(pairs)}
    colours = dict(zip(names, COLOURS, strict=True))
    title = f"{names[0]} and {names[1]}, sentence by sentence"
    write_sentences(compare_sentences(data, vectors), out, title, labels, colours)
    typer.echo(f"{visible(str(out))}: {len(texts):,} sentences, {len(data.left):,} pairs")


def model_names(first: Path, second: Path) -> tuple[str, str]:
    """The folders' own names; with what tells them apart where those are the same."""
    if first.name != second.name:
        return first.name, second.name
    return str(first), str(second) if first != second else f"{second} (second)"


def read_labelled(path: Path) -> Pairs:
    """Pairs as `complete_rows` reads them; the label, in the third column, is NaN where a line has none.

    Raises HeadshrinkError as `complete_rows`, and where a label is no finite number.
    """
    rows = complete_rows(path)
    return Pairs([row.left for row in rows], [row.right for row in rows], np.array([label(row) for row in rows]))


def label(row: Row) -> float:
    text = row.further.partition("\t")[0].strip()
    try:
        number = float(text) if text else float("nan")
    except ValueError:
        number = float("inf")
    if np.isinf(number) or (text and np.isnan(number)):
        raise HeadshrinkError(f"{row.file}, line {row.number}: the label {text!r} is no number, nor empty")
    return number
