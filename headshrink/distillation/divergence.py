"""When a training has diverged, and the one line that says so."""

from headshrink.distillation.recipe import Recipe, weight_at
from headshrink.errors import HeadshrinkError

RISE = 0.5  # of the held-out loss per unit of weight; cosine is at most 2, and 1 for a random student


def highest_loss(before: float, recipe: Recipe) -> float:
    """A held-out loss above twice the untrained student's plus RISE per unit of weight does not recover."""
    return 2 * before + RISE * sum(weight_at(weight, 1) for weight in recipe.losses.values())


def diverged(place: str, reason: str, recipe: Recipe, kept: str) -> HeadshrinkError:
    """The error for a training that diverged at `place`; `kept` says where its last good state is."""
    advice = f"lower learning_rate ({recipe.learning_rate}) or the losses' weights"
    return HeadshrinkError(f"training diverged at {place} ({reason}): {advice}{kept}")
