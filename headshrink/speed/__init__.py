"""What each runtime and trick gives: the same model run in many ways, timed in turns, each held to plain fp32."""

from headshrink.speed.rows import SETTINGS, Row, measure
from headshrink.speed.tricks import TRICKS, Trick

__all__ = ["SETTINGS", "TRICKS", "Row", "Trick", "measure"]
