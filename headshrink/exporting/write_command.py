"""`headshrink export`: a model folder in other forms, without the pipeline."""

from pathlib import Path
from typing import Annotated

import typer

from headshrink.corpus import read_corpus
from headshrink.errors import HeadshrinkError
from headshrink.exporting.forms import Proof, write_forms
from headshrink.exporting.gate import Limits
from headshrink.exporting.graph import Original
from headshrink.exporting.targets import TARGETS, Options
from headshrink.model import load_encoder
from headshrink.output import check_absent_folder, new_folder
from headshrink.text.pairs import spread

CHECKED = 256  # sentences that a lossless form must reproduce


def export(
    model: Annotated[Path, typer.Argument(help="model folder")],
    output: Annotated[Path, typer.Option(help="folder for the forms; must not exist")],
    pairs: Annotated[Path, typer.Option(help="text to prove the forms on: a TSV, aligned files or a folder of them")],
    targets: Annotated[str, typer.Option(help=f"comma-separated, of {', '.join(TARGETS)}")] = "onnx,onnx_int8",
    limit: Annotated[int, typer.Option(help="pairs to use, evenly spaced", min=2)] = 500,
    reduce_range: Annotated[bool, typer.Option(help="int8: weights of 7 bits, safe on processors without VNNI")] = True,
    min_cosine: Annotated[float, typer.Option(help="to the model; a lossy form below it is left out")] = 0.98,
    max_retrieval_loss: Annotated[float, typer.Option(help="share of sentences whose translation is lost")] = 0.01,
    min_rank: Annotated[float, typer.Option(help="rank agreement of all similarities with the model's")] = 0.98,
    suite: Annotated[
        Path | None, typer.Option(help="folder with encodechka's data files, whose sentences are not used")
    ] = None,
) -> None:
    """Write a model in other forms, each checked; gate.json says what each of them proved."""
    names = parse_targets(targets)
    check_absent_folder(output, "--output")
    original = Original(load_encoder(model))
    limits = Limits(min_cosine, max_retrieval_loss, min_rank)
    en, ru = read_sides(pairs, suite, limit)
    both = [text for pair in zip(en, ru, strict=True) for text in pair]
    proof = Proof(original.encoder, both[:CHECKED], en, ru, limits)
    with new_folder(output) as folder:
        write_forms(names, original, folder, Options(reduce_range=reduce_range), proof)


def parse_targets(text: str) -> list[str]:
    names = [name.strip() for name in text.split(",")]
    if unknown := sorted(set(names) - set(TARGETS)):
        raise HeadshrinkError(f"--targets {', '.join(unknown)}: allowed are {', '.join(TARGETS)}")
    return names


def read_sides(place: Path, suite: Path | None, limit: int) -> tuple[list[str], list[str]]:
    """English and Russian sides of at most `limit` clean pairs; HeadshrinkError where there are not even two."""
    corpus = read_corpus(place, suite)
    pairs = [*corpus.train, *corpus.heldout]
    if len(pairs) < 2:
        raise HeadshrinkError(f"{len(pairs)} pairs in {place}: at least two are needed, some hundreds to be any good")
    chosen = spread(pairs, limit)
    return [pair.en for pair in chosen], [pair.ru for pair in chosen]
