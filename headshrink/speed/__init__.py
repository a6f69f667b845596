"""What each runtime and trick gives: models run in many ways, timed in turns, each held to its plain fp32."""

from headshrink.speed.rows import SETTINGS, Row, TimedModel, measure
from headshrink.speed.table import as_json
from headshrink.speed.tricks import TRICKS, Trick

__all__ = ["SETTINGS", "TRICKS", "Row", "TimedModel", "Trick", "as_json", "measure"]
