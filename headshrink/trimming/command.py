"""`headshrink trim`: a model folder and text, without the pipeline."""

from pathlib import Path
from typing import Annotated, Any

import typer

from headshrink.api import trim as trim_model
from headshrink.escape import visible
from headshrink.output import check_absent_folder
from headshrink.parameters.trim import TrimParams


def main(
    model: Annotated[Path, typer.Argument(help="folder of a transformers encoder of any family")],
    text: Annotated[
        list[Path], typer.Option(help="text to count: a TSV, a file of sentences or a folder of both; may be repeated")
    ],
    out: Annotated[Path, typer.Option(help="folder for the trimmed model; must not exist")],
    trim: TrimParams,
    heldout: Annotated[
        list[Path] | None, typer.Option(help="text that is not counted, to measure on; may be repeated")
    ] = None,
) -> None:
    """Remove the tokens from a vocabulary that a text does not need, with their rows of the embedding table."""
    check_absent_folder(out, "--out")
    record = trim_model(model, text, out, heldout or [], **trim.model_dump())
    tokens, sizes = record["tokens"], record["weight_bytes"]
    typer.echo(f"{visible(str(out))}: {tokens['after']:,} of {tokens['before']:,} tokens")
    typer.echo(f"weights: {sizes['after'] / 1e6:,.1f} of {sizes['before'] / 1e6:,.1f} MB")
    for name in ("text", "heldout"):
        for group, facts in record.get(name, {}).items():
            typer.echo(f"{name}, {group}: {line(facts)}")


def line(facts: dict[str, Any]) -> str:
    """What was measured of a language, in one line."""
    lost = f"{facts['sentences']:,} sentences, {1000 * (1 - facts['coverage']):.1f} of 1,000 token occurrences removed"
    if "tokens_per_sentence" not in facts:
        return lost
    lengths, unknown = facts["tokens_per_sentence"], facts["unknown_per_1000"]
    return (
        f"{lost}; tokens per sentence {lengths['before']:.2f} -> {lengths['after']:.2f}; "
        f"unknown tokens per 1,000 {unknown['before']:.2f} -> {unknown['after']:.2f}"
    )
