"""The model that the prune stage cut: the student that keeps most of its teacher."""

from headshrink.distillation.students._base import Origin, StudentShape, kind
from headshrink.errors import HeadshrinkError
from headshrink.model import SentenceEncoder


@kind("heads and FFN neurons of {name} were cut, and what is left was distilled from it", uses_pruned_model=True)
def pruned(origin: Origin, shape: StudentShape) -> SentenceEncoder:
    """As it was cut; its shape is the cut's. Raises HeadshrinkError where there is no pruned model."""
    if origin.pruned is None:
        raise HeadshrinkError("student.kind = pruned: there is no pruned model; the prune stage writes it")
    return origin.pruned
