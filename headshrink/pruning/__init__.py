"""Cutting a sentence encoder: what goes, surgery, repair, records."""

from headshrink.pruning.cut import cut
from headshrink.pruning.plan import Plan, plan_ratio
from headshrink.pruning.recipe import Recipe, prune
from headshrink.pruning.record import describe, write_record
from headshrink.pruning.repair import repair

__all__ = ["Plan", "Recipe", "cut", "describe", "plan_ratio", "prune", "repair", "write_record"]
