"""A few of the teacher's layers, thin, over a word table of low rank: all of it cut from the teacher."""

from headshrink.distillation.students._base import Origin, StudentShape, kind, with_table_of_rank
from headshrink.errors import HeadshrinkError
from headshrink.importance import score
from headshrink.model import SentenceEncoder
from headshrink.model.sites import widths
from headshrink.pruning import cut, plan_ratio
from headshrink.pruning.layers import first_to_last, keep_layers
from headshrink.pruning.repair import repair

SCORING_PAIRS, REPAIR_PAIRS = 512, 2048


@kind("a few layers of {name} were kept, thinned, and distilled from it")
def thin(origin: Origin, shape: StudentShape) -> SentenceEncoder:
    """`layers` of the teacher's layers, evenly spaced from its first to its last, with `heads` and `ffn` in each.

    Those stay that second-order importance ranks highest in the shortened model; what is left is refitted by least
    squares, and the word table becomes a product of `rank` (None: it stays dense). The first layer, since the others
    read what it makes of the words. Raises HeadshrinkError for more layers, heads or neurons than the teacher has.
    """
    teacher = origin.teacher
    there = len(teacher.backbone.encoder.layer)
    heads, neurons = widths(teacher.backbone, "heads")[0], widths(teacher.backbone, "ffn")[0]
    for name, most in (("layers", there), ("heads", heads), ("ffn", neurons)):
        if getattr(shape, name) > most:
            raise HeadshrinkError(f"student.{name} = {getattr(shape, name)}: the teacher has {most}")
    short = keep_layers(teacher, first_to_last(there, shape.layers))
    scores = score(short, origin.text(SCORING_PAIRS, 1), ["obs"], "teacher_distance")["obs"]
    plan = plan_ratio(scores, 1 - shape.heads / heads, 1 - shape.ffn / neurons, "layer")
    student = cut(short, plan)
    repair(short, student, plan, origin.text(REPAIR_PAIRS, 2))
    return with_table_of_rank(student, shape.rank, origin.counts)
