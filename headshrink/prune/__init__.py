"""Cutting a sentence encoder: what goes, surgery, repair, records."""

from headshrink.prune.cut import cut
from headshrink.prune.plan import Plan, plan_ratio
from headshrink.prune.recipe import Recipe, prune
from headshrink.prune.record import describe, write_record
from headshrink.prune.repair import repair

__all__ = ["Plan", "Recipe", "cut", "describe", "plan_ratio", "prune", "repair", "write_record"]
