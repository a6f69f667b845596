"""A student trained on a corpus of text: tokenised, embedded by its teachers, trained; each of them once."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from headshrink.checkpoint import Checkpoints
from headshrink.data.corpus import Corpus
from headshrink.data.in_memory import pairs_of
from headshrink.data.table import Tokens
from headshrink.distillation.minutes import epochs_within
from headshrink.distillation.mlm_fit import fit_mlm_head
from headshrink.distillation.processes import Processes
from headshrink.distillation.run import Tracking, Trained, distill_by, origin_of, recipe_of, untrained
from headshrink.distillation.trainer import train as train_student
from headshrink.distillation.training_data import Reference, TrainingData
from headshrink.errors import HeadshrinkError
from headshrink.model import SentenceEncoder
from headshrink.model.mlm_head import MlmHead, load_mlm_head, save_mlm_head
from headshrink.output import write_text
from headshrink.parameters.distill_library import LibraryDistillParams


@dataclass(frozen=True)
class Extras:
    """What a student may imitate beside pairs and teacher, and what cuts made by its training go by.

    `monolingual`: sentences without translation. `extra_teachers`: models that it imitates through a projection, which
    is thrown away after the training. `mlm_head`: the teacher's, for losses on words. `cuts`: what prune.json holds
    under `settings`, for `rounds` and `learned_gates`.
    """

    monolingual: Sequence[str] = ()
    extra_teachers: Sequence[SentenceEncoder] = ()
    mlm_head: MlmHead | None = None
    cuts: Mapping[str, Any] | None = None


def distill_on(
    corpus: Corpus,
    teacher: SentenceEncoder,
    student: SentenceEncoder | None,
    chosen: LibraryDistillParams,
    extras: Extras,
    work: Path,
    checkpoints: Checkpoints | None = None,
) -> Trained:
    """Train `student` in place, or without one a student of the chosen kind, towards its teachers.

    The folder `work` holds the teachers' embeddings and a fitted MLM head: a call that finds them there does not
    compute them again. Raises HeadshrinkError where no pair is left for one of the splits, where embeddings differ in
    dimension, where a student of kind pruned is not given, and where the training diverges.
    """
    cutting = chosen.rounds > 1 or chosen.learned_gates > 0
    if chosen.student.kind == "pruned" and not cutting:
        if student is None:
            raise HeadshrinkError("student.kind = pruned: the model that was cut is needed; give it, or another kind")
        if teacher.dimension != student.dimension:
            raise HeadshrinkError(f"the student has {student.dimension} dimensions and the teacher {teacher.dimension}")
    else:
        student = None
    teachers, reader = [teacher, *extras.extra_teachers], student or teacher
    with Processes().first_before_others():
        pairs = pairs_of(teachers, reader, corpus.checked("the corpus"), list(extras.monolingual), work)
        mlm_head = fitted(teacher, corpus, chosen, work, extras.mlm_head) if chosen.mlm_head_steps else extras.mlm_head
    data = TrainingData(*pairs, Reference(teacher, mlm_head, [other.dimension for other in extras.extra_teachers]))
    return train_on(data, teacher, student, chosen, extras, checkpoints)


def train_on(
    data: TrainingData,
    teacher: SentenceEncoder,
    student: SentenceEncoder | None,
    chosen: LibraryDistillParams,
    extras: Extras,
    checkpoints: Checkpoints | None,
) -> Trained:
    """The training itself: of the student, which has token ids of its own, or of one made from the teacher."""
    if student is None:
        origin = origin_of(teacher, teacher, data.train)
        if chosen.minutes:
            first = teacher if chosen.student.kind == "pruned" else untrained(chosen, origin)
            chosen = within_minutes(chosen, first, data, checkpoints)
        return distill_by(chosen, origin, data, cuts=extras.cuts, progress=Tracking(checkpoints))
    chosen = within_minutes(chosen, student, data, checkpoints) if chosen.minutes else chosen
    return Trained(student, train_student(student, data, recipe_of(chosen), checkpoints), None)


def within_minutes(
    chosen: LibraryDistillParams, student: SentenceEncoder, data: TrainingData, checkpoints: Checkpoints | None
) -> LibraryDistillParams:
    """The parameters with the epochs that fit into `minutes`; a call that goes on takes those of the call before."""
    note = checkpoints.path.parent / "epochs.json" if checkpoints else None
    if note and note.is_file():
        epochs = json.loads(note.read_text(encoding="utf-8"))
    else:
        epochs = epochs_within(chosen.minutes or 0, student, data, recipe_of(chosen))
        if note and Processes().first:
            note.parent.mkdir(parents=True, exist_ok=True)
            write_text(note, json.dumps(epochs))
    return chosen.model_copy(update={"epochs": epochs})


def fitted(
    teacher: SentenceEncoder, corpus: Corpus, chosen: LibraryDistillParams, work: Path, start: MlmHead | None
) -> MlmHead:
    """The teacher's MLM head after `mlm_head_steps` on both sides of the training pairs, kept in `work`."""
    folder = work / f"mlm-head-{chosen.mlm_head_steps}"
    if found := load_mlm_head([folder], teacher.backbone):
        return found
    train, heldout = (
        Tokens.from_rows(teacher.tokenise([side for pair in pairs for side in (pair.en, pair.ru)]))
        for pairs in (corpus.train, corpus.heldout)
    )
    mlm_head, perplexity = fit_mlm_head(teacher, train, heldout, chosen.mlm_head_steps, start)
    print(f"MLM head of {chosen.mlm_head_steps} steps: held-out perplexity {perplexity:.1f}")
    folder.mkdir(parents=True, exist_ok=True)
    save_mlm_head(mlm_head, folder)
    return mlm_head
