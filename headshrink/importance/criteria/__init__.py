"""Importance criteria by name, one file each; the file's name is the criterion's."""

from headshrink.importance.criteria._base import Criterion
from headshrink.importance.criteria.taylor import Taylor

CRITERIA: dict[str, type[Criterion]] = {
    "taylor": Taylor,
}
