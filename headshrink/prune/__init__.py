"""Cutting a sentence encoder: what goes, surgery, repair, records."""

from headshrink.prune.cut import cut
from headshrink.prune.plan import Plan, plan_ratio
from headshrink.prune.record import describe, write_record

__all__ = ["Plan", "cut", "describe", "plan_ratio", "write_record"]
