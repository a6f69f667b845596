"""A student in every form it is used in, each checked against the model in memory."""

from headshrink.export.card import write_card
from headshrink.export.forms import Proof, write_forms
from headshrink.export.gate import Agreement, Limits, check_reload
from headshrink.export.graph import Original
from headshrink.export.lossy import Pairs, write_lossy
from headshrink.export.targets import TARGETS, Options, Target

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
