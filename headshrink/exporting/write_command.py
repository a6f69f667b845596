"""`headshrink export`: a model folder in other forms, without the pipeline."""

from pathlib import Path
from typing import Annotated

import typer

from headshrink import api
from headshrink.data.corpus import read_corpus
from headshrink.model import best_device, load_encoder
from headshrink.options import PairsOption, SuiteOption
from headshrink.output import check_absent_folder
from headshrink.parameters.compute import DEFAULTS as COMPUTE
from headshrink.parameters.compute import ComputeParams
from headshrink.parameters.export import ExportParams


def export(
    model: Annotated[Path, typer.Argument(help="model folder")],
    pairs: PairsOption,
    out: Annotated[Path, typer.Option(help="folder for the forms; must not exist")],
    export: ExportParams,
    suite: SuiteOption = None,
    compute: ComputeParams = COMPUTE,
) -> None:
    """Write a model in other forms, each checked; gate.json says what each of them proved."""
    check_absent_folder(out, "--out")
    encoder = load_encoder(model).to(best_device(compute.device))
    api.export(encoder, out, read_corpus(pairs, suite), **export.model_dump())
