"""Cuts made during training: many small cuts with training after each, or one cut by gates that are learned first."""

import copy
from collections.abc import Mapping, Sequence
from dataclasses import replace

from torch import Tensor

from headshrink.distillation.gates import Gates
from headshrink.distillation.parts import Parts
from headshrink.importance import score
from headshrink.model import PairBatch, SentenceEncoder
from headshrink.model.sites import Kind
from headshrink.pruning import CutSettings, Plan, prune


def in_rounds(
    teacher: SentenceEncoder, cuts: CutSettings, text: Sequence[PairBatch], parts: Parts, counts: Tensor | None = None
) -> tuple[SentenceEncoder, Plan]:
    """A student cut from the teacher in as many rounds as there are parts, each a cut and then a part of the training.

    The cuts follow `cuts` on a geometric path to its ratios: each scores what is left on `text`, and repairs on it as
    the recipe says. Pruning knows nothing of training; it is handed what recovers the student after a cut.
    """
    cuts = replace(cuts, steps=len(parts.recipes), recover=parts.next)
    scores = score(teacher, text, [cuts.criterion], cuts.loss)[cuts.criterion]
    return prune(teacher, cuts, scores, text, counts)


def by_learned_gates(
    teacher: SentenceEncoder, ratios: Mapping[Kind, float], parts: Parts
) -> tuple[SentenceEncoder, Plan]:
    """A student cut from the teacher by gates learned in the first of two parts, and trained on in the second.

    In the first one weights and gates learn together, from the teacher as it is; the cut meets the ratios exactly.
    """
    whole = copy.deepcopy(teacher)
    gates = Gates(whole, ratios)
    parts.next(whole, gates)
    student = gates.cut(whole)
    parts.next(student)
    return student, gates.plan()
