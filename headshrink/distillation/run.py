"""A student made and trained as the parameters of section `distill` say: what the front door and the stage call."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from functools import partial
from typing import Any

from headshrink.checkpoint import Checkpoints
from headshrink.data.table import SentenceTable
from headshrink.distillation.callbacks import OnRow
from headshrink.distillation.evaluate import sample
from headshrink.distillation.losses import LOSSES, ON_EMBEDDINGS
from headshrink.distillation.parts import Parts, parts_of
from headshrink.distillation.recipe import Recipe
from headshrink.distillation.result import CurveRow, TrainingResult
from headshrink.distillation.rounds import by_learned_gates, in_rounds
from headshrink.distillation.students import STUDENTS, Origin, StudentShape
from headshrink.distillation.text import text_of
from headshrink.distillation.trainer import train as train_student
from headshrink.distillation.training_data import TrainingData
from headshrink.errors import HeadshrinkError
from headshrink.model import SentenceEncoder
from headshrink.parameters.distill import DistillParams
from headshrink.pruning import CutSettings, describe
from headshrink.trimming.token_counts import count_tokens


@dataclass(frozen=True)
class Trained:
    """A trained student, how the training went, and the content of prune.json where the training made the cuts."""

    encoder: SentenceEncoder
    result: TrainingResult
    record: dict[str, Any] | None


@dataclass(frozen=True)
class Tracking:
    """Where a training keeps its checkpoints, and who sees the rows of its curve."""

    checkpoints: Checkpoints | None = None
    on_row: Callable[[CurveRow], None] = lambda row: None


def origin_of(teacher: SentenceEncoder, pruned: SentenceEncoder | None, train: SentenceTable) -> Origin:
    """What students are made from, where the sentences are in the teacher's token ids."""
    counts = count_tokens(train.tokens.blocks(), teacher.backbone.config.vocab_size)
    return Origin(teacher, pruned, counts, partial(text_of, teacher, train))


def untrained(chosen: DistillParams, origin: Origin) -> SentenceEncoder:
    """The student of the chosen kind and size, on the teacher's device."""
    shape = StudentShape(seed=chosen.seed, **chosen.student.model_dump(exclude={"kind"}))
    return STUDENTS[chosen.student.kind](origin, shape).to(origin.teacher.device)


def needs_teacher(chosen: DistillParams) -> bool:
    """Whether a loss compares more than embeddings, so that the teacher runs beside the student."""
    return any(LOSSES[name].needs - ON_EMBEDDINGS for name in chosen.losses)


def recipe_of(chosen: DistillParams) -> Recipe:
    """The settings of the training itself."""
    return Recipe(**{field.name: getattr(chosen, field.name) for field in fields(Recipe)})


def distill_by(
    chosen: DistillParams,
    origin: Origin,
    data: TrainingData,
    student: SentenceEncoder | None = None,
    cuts: Mapping[str, Any] | None = None,
    progress: Tracking = Tracking(),  # frozen
) -> Trained:
    """Train a student on `data`: `student`, or one of the chosen kind that is made here from `origin`.

    With `rounds` or `learned_gates` the training cuts the teacher instead, by the settings `cuts`, which are what
    prune.json holds under `settings`. Raises HeadshrinkError where they are missing, and as `train`.
    """
    recipe = recipe_of(chosen)
    if chosen.rounds > 1 or chosen.learned_gates:
        return cut_while_training(chosen, recipe, origin, data, cuts or {}, progress)
    student = student or untrained(chosen, origin)
    result = train_student(student, data, recipe, progress.checkpoints, [OnRow(progress.on_row)])
    return Trained(student, result, None)


def cut_while_training(
    chosen: DistillParams,
    recipe: Recipe,
    origin: Origin,
    data: TrainingData,
    cuts: Mapping[str, Any],
    progress: Tracking,
) -> Trained:
    """A student cut from the teacher while it trains, in rounds or by learned gates."""
    if missing := sorted({"heads", "ffn", "repair_pairs"} - cuts.keys()):
        raise HeadshrinkError(f"rounds and learned_gates cut as prune.json says, which holds no {', '.join(missing)}")
    rounds = [(i + 1) / chosen.rounds for i in range(chosen.rounds)]
    recipes = parts_of(recipe, data.train, [chosen.learned_gates, 1] if chosen.learned_gates else rounds)

    def train_part(student: SentenceEncoder, recipe: Recipe, **options: Any) -> TrainingResult:
        heldout = data.heldout if recipe is recipes[-1] else sample(data.heldout, recipe.heldout_pairs)
        return train_student(student, replace(data, heldout=heldout), recipe, **options)

    parts = Parts(recipes, train_part, progress.checkpoints, progress.on_row)
    if chosen.learned_gates:
        student, plan = by_learned_gates(origin.teacher, {"heads": cuts["heads"], "ffn": cuts["ffn"]}, parts)
    else:
        settings = CutSettings(**{field.name: cuts[field.name] for field in fields(CutSettings) if field.name in cuts})
        text = origin.text(cuts["repair_pairs"], chosen.seed)
        student, plan = in_rounds(origin.teacher, settings, text, parts, origin.counts)
    made = {"rounds": chosen.rounds, "learned_gates": chosen.learned_gates}
    return Trained(student, parts.result(), describe(origin.teacher, student, plan, **{**cuts, **made}))
