"""Importance criteria by name, one file each; the file's name is the criterion's."""

from headshrink.importance.criteria._base import Criterion
from headshrink.importance.criteria.fisher import Fisher
from headshrink.importance.criteria.magnitude import Magnitude
from headshrink.importance.criteria.michel import Michel
from headshrink.importance.criteria.obs import Obs
from headshrink.importance.criteria.random import Random
from headshrink.importance.criteria.taylor import Taylor
from headshrink.importance.criteria.taylor_signed import TaylorSigned

CRITERIA: dict[str, type[Criterion]] = {
    "fisher": Fisher,
    "magnitude": Magnitude,
    "michel": Michel,
    "obs": Obs,
    "random": Random,
    "taylor": Taylor,
    "taylor_signed": TaylorSigned,
}

__all__ = ["CRITERIA", "Criterion"]
