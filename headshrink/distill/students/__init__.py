"""Students by kind, one file each: what is trained towards the teacher, before any training."""

from headshrink.distill.students._base import Build, Origin, Shape
from headshrink.distill.students.bilstm import bilstm
from headshrink.distill.students.every_kth_layer import every_kth_layer
from headshrink.distill.students.narrow import narrow
from headshrink.distill.students.pruned import pruned
from headshrink.distill.students.static import static
from headshrink.distill.students.thin import thin

STUDENTS: dict[str, Build] = {
    "bilstm": bilstm,
    "every_kth_layer": every_kth_layer,
    "narrow": narrow,
    "pruned": pruned,
    "static": static,
    "thin": thin,
}

__all__ = ["STUDENTS", "Build", "Origin", "Shape"]
