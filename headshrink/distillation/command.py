"""`headshrink distill`: a teacher, a student or its size, and pairs, without the pipeline."""

import json
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, nullcontext
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Any

import typer

from headshrink.api import trained_with_result
from headshrink.checkpoint import Checkpoints, fingerprint
from headshrink.data.corpus import Corpus, SuiteIndex, read_corpus, suite_sentences, without_tested
from headshrink.data.text.lines import readable_once
from headshrink.data.text.sentences import read_sentences
from headshrink.distillation.from_corpus import Extras
from headshrink.distillation.processes import Processes
from headshrink.distillation.record import summary, write_curve, write_metrics
from headshrink.distillation.run import Trained
from headshrink.errors import HeadshrinkError
from headshrink.model import load_encoder, save_encoder
from headshrink.model.mlm_head import load_mlm_head
from headshrink.options import PairsOption, SuiteOption
from headshrink.output import check_absent_folder, exclusive, new_folder
from headshrink.parameters.compute import DEFAULTS as COMPUTE
from headshrink.parameters.compute import ComputeParams
from headshrink.parameters.distill_library import LibraryDistillParams
from headshrink.progress import note
from headshrink.pruning.record import write_record


def main(
    teacher: Annotated[Path, typer.Option(help="model folder to imitate")],
    pairs: PairsOption,
    out: Annotated[Path, typer.Option(help="folder for the trained student; must not exist")],
    distill: LibraryDistillParams,
    student: Annotated[
        Path | None, typer.Option(help="kind pruned: model folder to train, of the same embedding dimension")
    ] = None,
    extra_teachers: Annotated[
        list[Path] | None, typer.Option(help="model folder that is imitated too, through a projection; repeatable")
    ] = None,
    monolingual: Annotated[
        Path | None, typer.Option(help="more text to imitate on: a .txt file or a folder, one sentence per line")
    ] = None,
    suite: SuiteOption = None,
    compute: ComputeParams = COMPUTE,
) -> None:
    """Train a student to imitate its teacher, and keep the step with the lowest loss on held-out pairs."""
    check_absent_folder(out, "--out")
    if ((kind := distill.student.kind) == "pruned") != (student is not None):
        raise HeadshrinkError(f"--student-kind {kind}: --student FOLDER is for kind pruned, which needs it")
    refuse_shared_pipes(pairs, *([monolingual] if monolingual else []))
    corpus = read_corpus(pairs, suite).checked(str(pairs))
    more = more_sentences(monolingual, corpus, suite) if monolingual else []
    device = Processes(compute.device).device
    master = load_encoder(teacher).to(device)
    start = load_encoder(student).to(device) if student else distill.student.model_dump(exclude_unset=True)
    others = [load_encoder(folder).to(device) for folder in extra_teachers or []]
    head = load_mlm_head([teacher], master.backbone)
    extras = Extras(more, others, head, cuts_of(student))
    text = {"corpus": digest(corpus.train, corpus.heldout, more)}
    teachers, started = [teacher, *(extra_teachers or [])], [student] if student else []
    with unfinished(out) as work:  # the same call again goes on where a killed one stood
        targets = work / "targets" / fingerprint(teachers, text)  # other parameters need the same
        checkpoints = Checkpoints(work / "training" / fingerprint([*teachers, *started], distill.model_dump() | text))
        if Processes().first:
            checkpoints.remove_others()
        options = distill.model_dump(exclude={"student"})
        trained = trained_with_result(master, start, corpus, targets, extras, checkpoints, **options)
        if Processes().first:
            write(trained, out)
            shutil.rmtree(work)
            typer.echo(summary(trained.result))


@contextmanager
def unfinished(out: Path) -> Iterator[Path]:
    """A folder beside the student's for what is finished of a training; HeadshrinkError where another run has it."""
    work = out.parent / f".{out.name}.unfinished"
    busy = f"another run writes {out}: wait for it, or give --out another folder"
    with exclusive(work / "lock", busy) if Processes().first else nullcontext():
        yield work


def cuts_of(student: Path | None) -> dict[str, Any] | None:
    """The settings that a model folder was cut by, for cuts made during training; None where it was not cut."""
    record = student / "prune.json" if student else None
    return json.loads(record.read_text(encoding="utf-8"))["settings"] if record and record.is_file() else None


def write(trained: Trained, out: Path) -> None:
    """The student's folder: model, distill.json, curve.csv, and prune.json where the training made the cuts."""
    with new_folder(out) as folder:
        save_encoder(trained.encoder, folder)
        write_metrics(trained.result, folder / "distill.json")
        write_curve(trained.result.curve, folder / "curve.csv")
        if trained.record:
            write_record(trained.record, folder)


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
