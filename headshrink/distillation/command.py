"""`headshrink distill`: a student, its teacher and pairs, without the pipeline."""

import shutil
from collections.abc import Iterable
from contextlib import nullcontext
from hashlib import sha256
from pathlib import Path
from typing import Annotated

import typer

from headshrink.checkpoint import Checkpoints, fingerprint
from headshrink.corpus import Corpus, SuiteIndex, read_corpus, suite_sentences, without_tested
from headshrink.distillation.data import Reference, TrainingData
from headshrink.distillation.from_text import pairs_of
from headshrink.distillation.losses import LOSSES
from headshrink.distillation.mlm_fit import fit_mlm_head
from headshrink.distillation.processes import Processes
from headshrink.distillation.recipe import Recipe, Weight
from headshrink.distillation.record import summary, write_curve, write_metrics
from headshrink.distillation.table import Tokens
from headshrink.distillation.trainer import train as train_student
from headshrink.errors import HeadshrinkError
from headshrink.model import SentenceEncoder, load_encoder, save_encoder
from headshrink.model.mlm_head import FILE, MlmHead, load_mlm_head, save_mlm_head
from headshrink.output import check_absent_folder, exclusive, new_folder
from headshrink.progress import note
from headshrink.text.lines import readable_once
from headshrink.text.sentences import read_sentences

NAMES = sorted(LOSSES)


def main(
    teacher: Annotated[Path, typer.Option(help="model folder to imitate")],
    student: Annotated[Path, typer.Option(help="model folder to train, of the same embedding dimension")],
    pairs: Annotated[Path, typer.Option(help="English-Russian text: a TSV, aligned files or a folder of them")],
    output: Annotated[Path, typer.Option(help="folder for the trained student; must not exist")],
    loss: Annotated[list[str], typer.Option(help=f"NAME=WEIGHT, repeatable: {', '.join(NAMES)}")] = ["cosine=1"],  # noqa: B006
    also: Annotated[
        list[Path] | None,
        typer.Option(help="model folder of a further teacher, imitated through a projection; repeatable"),
    ] = None,
    monolingual: Annotated[
        Path | None, typer.Option(help="more text to imitate on, a sentence a line: a file or a folder of .txt files")
    ] = None,
    suite: Annotated[
        Path | None, typer.Option(help="folder with encodechka's data files, whose sentences are not trained on")
    ] = None,
    mlm_head_steps: Annotated[
        int,
        typer.Option(help="that fit an MLM head on the teacher, for mlm and soft_targets; 0: its checkpoint's", min=0),
    ] = 0,
    epochs: Annotated[float, typer.Option(help="passes over the pairs", min=0.001)] = Recipe.epochs,
    batch_size: Annotated[int, typer.Option(help="pairs a batch", min=2)] = Recipe.batch_size,
    accumulate: Annotated[
        int, typer.Option(help="batches a step, shared out among the processes of `accelerate launch`", min=1)
    ] = Recipe.accumulate,
    learning_rate: Annotated[float, typer.Option(help="peak")] = Recipe.learning_rate,
    precision: Annotated[str, typer.Option(help="auto | fp32 | bf16")] = Recipe.precision,
    seed: Annotated[int, typer.Option(help="order of the batches")] = Recipe.seed,
) -> None:
    """Pull a student back to its teacher, and keep the step with the lowest loss on held-out pairs."""
    check_absent_folder(output, "--output")
    if precision not in ("auto", "fp32", "bf16"):
        raise HeadshrinkError(f"--precision {precision}: allowed are auto, fp32, bf16")
    weights = parse_losses(loss)
    recipe = Recipe(
        weights, epochs=epochs, batch_size=batch_size, accumulate=accumulate, learning_rate=learning_rate,
        precision=precision, seed=seed,
    )  # fmt: skip
    refuse_shared_pipes(pairs, *([monolingual] if monolingual else []))
    corpus = read_corpus(pairs, suite).checked(str(pairs))
    more = more_sentences(monolingual, corpus, suite) if monolingual else []
    models = load_both(teacher, student)
    work = output.parent / f".{output.name}.unfinished"  # the same call again goes on where a killed one stood
    others = [load_encoder(folder).to(models[0].device) for folder in also or []]
    text = {"corpus": digest(corpus.train, corpus.heldout, more), "mlm_head_steps": mlm_head_steps}
    place = work / fingerprint([teacher, student, *(also or [])], vars(recipe) | text)
    busy = f"another run writes {output}: wait for it, or give --output another folder"
    with exclusive(work / "lock", busy) if Processes().first else nullcontext():
        with Processes().first_before_others():
            train, heldout = pairs_of([models[0], *others], models[1], corpus, more, place / "targets")
            if mlm_head_steps and not (place / FILE).is_file():
                save_mlm_head(fitted(models[0], teacher, corpus, mlm_head_steps), place)
        widths = [other.dimension for other in others]
        mlm_head = load_mlm_head([place, teacher], models[0].backbone)
        data = TrainingData(train, heldout, Reference(models[0], mlm_head, widths))
        result = train_student(models[1], data, recipe, Checkpoints(place))
        if not Processes().first:
            return
        with new_folder(output) as folder:
            save_encoder(models[1], folder)
            write_metrics(result, folder / "distill.json")
            write_curve(result.curve, folder / "curve.csv")
        shutil.rmtree(work)
        typer.echo(summary(result))


def load_both(teacher: Path, student: Path) -> tuple[SentenceEncoder, SentenceEncoder]:
    """Teacher and student on this process's device; HeadshrinkError where their embeddings cannot be compared."""
    master, pupil = (load_encoder(folder).to(Processes().device) for folder in (teacher, student))
    if master.dimension != pupil.dimension:
        raise HeadshrinkError(
            f"{student} gives {pupil.dimension} dimensions and {teacher} {master.dimension}: they must be equal"
        )
    return master, pupil


def parse_losses(words: list[str]) -> dict[str, Weight]:
    """["cosine=1", "ranking=0.1"] as {"cosine": 1.0, "ranking": 0.1}; HeadshrinkError for what is neither."""
    losses: dict[str, Weight] = {}
    for word in words:
        name, _, weight = word.partition("=")
        try:
            losses[name] = float(weight or 1)
        except ValueError:
            raise HeadshrinkError(f"--loss {word}: NAME=WEIGHT is needed, the weight a number") from None
        if name not in NAMES:
            raise HeadshrinkError(f"--loss {word}: allowed names are {', '.join(NAMES)}")
    return losses


def refuse_shared_pipes(*paths: Path) -> None:
    """HeadshrinkError for a pipe where several processes would each get a part of it."""
    pipes = [path for path in paths if readable_once(path)]
    if pipes and Processes().count > 1:
        raise HeadshrinkError(f"{pipes[0]} is a pipe, which several processes cannot all read: give a file")


def more_sentences(place: Path, corpus: Corpus, suite: Path | None) -> list[str]:
    """Distinct sentences of a file or folder, without those of held-out pairs and of the benchmark."""
    heldout = (side for pair in corpus.heldout for side in (pair.en, pair.ru))
    index = SuiteIndex(suite_sentences(suite) if suite else [])
    texts = list(read_sentences(place))
    kept = without_tested(texts, heldout, index)
    note(f"{place}: {len(kept)} sentences without translation, {len(texts) - len(kept)} repeated or tested left out")
    return kept


def digest(*texts: Iterable[object]) -> str:
    """SHA-256 of what is trained on: a killed training goes on only with the same text, wherever it came from."""
    found = sha256()
    for part in texts:
        for text in part:
            found.update(f"{text!r}\n".encode())
        found.update(b"\n")
    return found.hexdigest()


def fitted(teacher: SentenceEncoder, folder: Path, corpus: Corpus, steps: int) -> MlmHead:
    """The teacher's MLM head after so many steps on both sides of the training pairs."""
    train, heldout = (
        Tokens.from_rows(teacher.tokenise([side for pair in pairs for side in (pair.en, pair.ru)]))
        for pairs in (corpus.train, corpus.heldout)
    )
    mlm_head, perplexity = fit_mlm_head(teacher, train, heldout, steps, load_mlm_head([folder], teacher.backbone))
    typer.echo(f"MLM head of {steps} steps: held-out perplexity {perplexity:.1f}")
    return mlm_head
