"""Whole layers of the teacher (DistilBERT, Sanh et al. 2019): the baseline that finer cuts must beat."""

from headshrink.distill.layers import teachers_layers
from headshrink.distill.students._base import Origin, Shape
from headshrink.errors import HeadshrinkError
from headshrink.model import SentenceEncoder
from headshrink.prune.layers import keep_layers


def every_kth_layer(origin: Origin, shape: Shape) -> SentenceEncoder:
    """`layers` of the teacher's layers, evenly spaced, the last one among them; the rest as it is.

    Raises HeadshrinkError where the teacher has fewer.
    """
    there = len(origin.teacher.backbone.encoder.layer)
    if shape.layers > there:
        raise HeadshrinkError(f"student.layers = {shape.layers}: the teacher has {there}")
    return keep_layers(origin.teacher, teachers_layers(shape.layers, there, "uniform"))
