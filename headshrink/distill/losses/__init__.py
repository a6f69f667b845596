"""Losses by name; a recipe gives each a weight.

Imitation losses (cosine, mse, relational) have their minimum, zero, at the teacher. Task losses (similarity,
crosslingual, ranking) ask for something that the teacher itself may lack, and are not zero there.
"""

from headshrink.distill.losses._base import Loss, Outputs
from headshrink.distill.losses.cosine import cosine
from headshrink.distill.losses.crosslingual import crosslingual
from headshrink.distill.losses.mse import mse
from headshrink.distill.losses.ranking import ranking
from headshrink.distill.losses.relational import relational
from headshrink.distill.losses.similarity import similarity

LOSSES: dict[str, Loss] = {
    "cosine": cosine,
    "crosslingual": crosslingual,
    "mse": mse,
    "ranking": ranking,
    "relational": relational,
    "similarity": similarity,
}

__all__ = ["LOSSES", "Loss", "Outputs"]
