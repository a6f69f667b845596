"""A student in every form it is used in, each checked against the model in memory."""

from headshrink.export.card import write_card
from headshrink.export.gate import Agreement, Limits, check_reload
from headshrink.export.graph import Original
from headshrink.export.lossy import Outcome, Pairs, write_lossy
from headshrink.export.targets import TARGETS, Options, Target

__all__ = [
    "TARGETS",
    "Agreement",
    "Limits",
    "Options",
    "Original",
    "Outcome",
    "Pairs",
    "Target",
    "check_reload",
    "write_card",
    "write_lossy",
]
