"""A student in every form it is used in, each checked against the model in memory."""

from headshrink.export.gate import check_reload
from headshrink.export.targets import TARGETS, Target

__all__ = ["TARGETS", "Target", "check_reload"]
