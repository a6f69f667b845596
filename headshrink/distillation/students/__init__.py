"""Students by kind, one file each: what is trained towards the teacher, before any training."""

from headshrink.distillation.students._base import Origin, StudentKind, StudentShape, kind
from headshrink.distillation.students.bilstm import bilstm
from headshrink.distillation.students.every_kth_layer import every_kth_layer
from headshrink.distillation.students.narrow import narrow
from headshrink.distillation.students.pruned import pruned
from headshrink.distillation.students.static import static
from headshrink.distillation.students.thin import thin

STUDENTS: dict[str, StudentKind] = {
    "bilstm": bilstm,
    "every_kth_layer": every_kth_layer,
    "narrow": narrow,
    "pruned": pruned,
    "static": static,
    "thin": thin,
}

__all__ = ["STUDENTS", "Origin", "StudentKind", "StudentShape", "kind"]
