"""A student in every form it is used in, each checked against the model in memory."""

from headshrink.export.gate import check_reload
from headshrink.export.targets import TARGETS

__all__ = ["TARGETS", "check_reload"]
