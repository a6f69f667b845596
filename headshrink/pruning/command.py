"""`headshrink prune`: a model folder and pairs, without the pipeline."""

from pathlib import Path
from typing import Annotated

import typer

from headshrink.api import pruned_with_record, score
from headshrink.data.corpus import read_corpus
from headshrink.escape import visible
from headshrink.model import best_device, load_encoder, save_encoder
from headshrink.options import PairsOption, SuiteOption
from headshrink.output import check_absent_folder, new_folder
from headshrink.parameters.importance import ImportanceParams
from headshrink.parameters.prune import LibraryPruneParams
from headshrink.pruning.record import write_record
from headshrink.pruning.run import budget_of


def main(
    model: Annotated[Path, typer.Argument(help="folder of a BERT-family sentence encoder")],
    pairs: PairsOption,
    out: Annotated[Path, typer.Option(help="folder for the pruned model; must not exist")],
    prune: LibraryPruneParams,
    importance: ImportanceParams,
    suite: SuiteOption = None,
) -> None:
    """Cut a sentence encoder, to a ratio of each kind or to one budget, and repair what is left, without training."""
    budget_of(prune, importance)  # what the options alone decide is refused before the work
    check_absent_folder(out, "--out")
    teacher = load_encoder(model).to(best_device())
    corpus, how = read_corpus(pairs, suite), importance.model_dump()
    pruned = pruned_with_record(teacher, score(teacher, corpus, **how), corpus, **prune.model_dump(), **how)
    with new_folder(out) as folder:
        save_encoder(pruned.encoder, folder)
        write_record(pruned.record, folder)
    found = pruned.record["parameters"]
    typer.echo(f"{visible(str(out))}: {found['after']:,} of {found['before']:,} parameters")
