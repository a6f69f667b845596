"""Whole layers of the teacher (DistilBERT, Sanh et al. 2019): the baseline that finer cuts must beat."""

from headshrink.distillation.layers import teachers_layers
from headshrink.distillation.students._base import Origin, StudentShape, kind, with_table_of_rank
from headshrink.errors import HeadshrinkError
from headshrink.model import SentenceEncoder
from headshrink.pruning.layers import keep_layers


@kind("some layers of {name} were kept, and distilled from it")
def every_kth_layer(origin: Origin, shape: StudentShape) -> SentenceEncoder:
    """`layers` of the teacher's layers, evenly spaced, the last one among them; the rest as it is.

    The word table becomes a product of `rank` (None: it stays dense). Raises HeadshrinkError for more layers than the
    teacher has, and for a rank that saves nothing.
    """
    there = len(origin.teacher.backbone.encoder.layer)
    if shape.layers > there:
        raise HeadshrinkError(f"student.layers = {shape.layers}: the teacher has {there}")
    kept = keep_layers(origin.teacher, teachers_layers(shape.layers, there, "uniform"))
    return with_table_of_rank(kept, shape.rank, origin.counts)
