"""A student in every form it is used in, each checked against the model in memory."""

from headshrink.export.card import write_card
from headshrink.export.gate import Agreement, Limits, check_quality, check_reload
from headshrink.export.targets import TARGETS, Options, Target

__all__ = ["TARGETS", "Agreement", "Limits", "Options", "Target", "check_quality", "check_reload", "write_card"]
