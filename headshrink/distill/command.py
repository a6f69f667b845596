"""`headshrink distill`: a student, its teacher and a file of pairs, without the pipeline."""

import shutil
from contextlib import nullcontext
from hashlib import blake2b
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from headshrink.checkpoint import Checkpoints, fingerprint
from headshrink.distill.losses import ALL_LOSSES
from headshrink.distill.mlm_fit import fit_mlm_head
from headshrink.distill.monolingual import read_folder
from headshrink.distill.objective import Weight
from headshrink.distill.pairs import Pairs, Sentences, TargetArrays
from headshrink.distill.processes import Processes
from headshrink.distill.record import summary, write_curve, write_metrics
from headshrink.distill.targets import read_targets, write_targets
from headshrink.distill.trainer import Recipe, distil
from headshrink.errors import HeadshrinkError
from headshrink.model import SentenceEncoder, load_encoder, save_encoder
from headshrink.model.mlm_head import FILE, MlmHead, load_mlm_head, save_mlm_head
from headshrink.output import check_absent_folder, exclusive, new_folder

HELDOUT_PERCENT = 5
NAMES = sorted(ALL_LOSSES)


def main(
    teacher: Annotated[Path, typer.Option(help="model folder to imitate")],
    student: Annotated[Path, typer.Option(help="model folder to train, of the same embedding dimension")],
    pairs: Annotated[Path, typer.Option(help="UTF-8 file: English, tab, Russian; a pair a line")],
    output: Annotated[Path, typer.Option(help="folder for the trained student; must not exist")],
    loss: Annotated[list[str], typer.Option(help=f"NAME=WEIGHT, repeatable: {', '.join(NAMES)}")] = ["cosine=1"],  # noqa: B006
    also: Annotated[
        list[Path] | None,
        typer.Option(help="model folder of a further teacher, imitated through a projection; repeatable"),
    ] = None,
    monolingual: Annotated[
        Path | None, typer.Option(help="more text to imitate on: a folder of UTF-8 .txt files, a sentence a line")
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
    texts = split(read_tsv(pairs))
    models = load_both(teacher, student)
    work = output.parent / f".{output.name}.unfinished"  # the same call again goes on where a killed one stood
    others = [load_encoder(folder).to(models[0].device) for folder in also or []]
    sources = [teacher, student, pairs, *(also or []), *([monolingual] if monolingual else [])]
    more = read_folder(monolingual) if monolingual else []
    place = work / fingerprint(sources, vars(recipe) | {"mlm_head_steps": mlm_head_steps})
    busy = f"another run writes {output}: wait for it, or give --output another folder"
    with exclusive(work / "lock", busy) if Processes().first else nullcontext():
        with Processes().first_before_others():
            train, heldout = prepare([models[0], *others], models[1], texts, more, place / "targets")
            if mlm_head_steps and not (place / FILE).is_file():
                save_mlm_head(fitted(models[0], teacher, texts, mlm_head_steps), place)
        widths = [other.dimension for other in others]
        mlm_head = load_mlm_head([place, teacher], models[0].backbone)
        result = distil(
            models[1], train, heldout, recipe, Checkpoints(place), teacher=models[0], others=widths, mlm_head=mlm_head
        )
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


def read_tsv(path: Path) -> list[tuple[str, str]]:
    """The pairs of a file, HeadshrinkError where it is missing, not UTF-8 or a line has no tab."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise HeadshrinkError(f"cannot read {path} ({error}): a UTF-8 file is needed") from error
    pairs = [tuple(line.split("\t")[:2]) for line in lines if line.strip()]
    for number, pair in enumerate(pairs, start=1):
        if len(pair) != 2:
            raise HeadshrinkError(f"{path}, pair {number}: no tab; each line is English, tab, Russian")
    return pairs  # type: ignore[return-value]


def split(pairs: list[tuple[str, str]]) -> dict[str, list[tuple[str, str]]]:
    """Train and held-out pairs by a hash of the English side, so that more pairs move none; neither may be empty."""
    splits: dict[str, list[tuple[str, str]]] = {"train": [], "heldout": []}
    for pair in pairs:
        number = int.from_bytes(blake2b(pair[0].encode(), digest_size=8).digest(), "big")
        splits["heldout" if number < HELDOUT_PERCENT / 100 * 2**64 else "train"].append(pair)
    if not all(splits.values()):
        raise HeadshrinkError(f"{len(pairs)} pairs are too few to hold {HELDOUT_PERCENT}% out: give a hundred at least")
    return splits


def fitted(teacher: SentenceEncoder, folder: Path, texts: dict[str, list[tuple[str, str]]], steps: int) -> MlmHead:
    """The teacher's MLM head after so many steps on both sides of the training pairs."""
    train, heldout = (
        Sentences.from_rows(teacher.tokenise([side for pair in texts[name] for side in pair]))
        for name in ("train", "heldout")
    )
    mlm_head, perplexity = fit_mlm_head(teacher, train, heldout, steps, load_mlm_head([folder], teacher.backbone))
    typer.echo(f"MLM head of {steps} steps: held-out perplexity {perplexity:.1f}")
    return mlm_head


def prepare(
    teachers: list[SentenceEncoder],
    student: SentenceEncoder,
    texts: dict[str, list[tuple[str, str]]],
    more: list[str],
    targets: Path,
) -> tuple[Pairs, Pairs]:
    """Train and held-out pairs in the student's ids, with the teachers' targets side by side, which wait in a folder.

    Sentences of `more` join the training without translation, those of held-out pairs left out.
    """
    heldout_texts = {side for pair in texts["heldout"] for side in pair}
    more = [text for text in more if text not in heldout_texts]

    def ids(encoder: SentenceEncoder, name: str) -> tuple[Sentences, Sentences]:
        if name == "more":
            rows = Sentences.from_rows(encoder.tokenise(more))
            return rows, rows
        en, ru = (Sentences.from_rows(encoder.tokenise([pair[side] for pair in texts[name]])) for side in (0, 1))
        return en, ru

    for number, teacher in enumerate(teachers):
        if not (targets / str(number) / "manifest.json").is_file():
            names = [*texts, *(["more"] if more else [])]
            write_targets(teacher, {name: ids(teacher, name) for name in names}, targets / str(number))

    def of_all(name: str) -> TargetArrays:
        each = [read_targets(targets / str(number), name) for number in range(len(teachers))]
        return TargetArrays(*(np.concatenate(side, axis=1) for side in zip(*each, strict=True)))

    train, heldout = (Pairs(*ids(student, name), of_all(name)) for name in texts)
    if more:
        train = train.with_monolingual(ids(student, "more")[0], of_all("more").en)
    return train, heldout
