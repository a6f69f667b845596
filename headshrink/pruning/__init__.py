"""Cutting a sentence encoder: what goes, surgery, repair, records."""

from headshrink.pruning.cut import cut
from headshrink.pruning.cut_settings import CutSettings, prune
from headshrink.pruning.plan import Plan, plan_ratio
from headshrink.pruning.record import describe, write_record
from headshrink.pruning.repair import repair

__all__ = ["CutSettings", "Plan", "cut", "describe", "plan_ratio", "prune", "repair", "write_record"]
