"""A student in every form it is used in, each checked against the model in memory."""

from headshrink.exporting.card import write_card
from headshrink.exporting.forms import Proof, write_forms
from headshrink.exporting.gate import Agreement, Limits, check_reload
from headshrink.exporting.graph import Original
from headshrink.exporting.lossy import Pairs, write_lossy
from headshrink.exporting.targets import TARGETS, Options, Target

__all__ = [
    "TARGETS",
    "Agreement",
    "Limits",
    "Options",
    "Original",
    "Pairs",
    "Proof",
    "Target",
    "check_reload",
    "write_card",
    "write_forms",
    "write_lossy",
]
