"""The model that the prune stage cut: the student that keeps most of its teacher."""

from headshrink.distillation.students._base import Origin, Shape, made
from headshrink.model import SentenceEncoder


@made("heads and FFN neurons of {name} were cut, and what is left was distilled from it")
def pruned(origin: Origin, shape: Shape) -> SentenceEncoder:
    """As it was cut; its shape is the cut's."""
    return origin.pruned
