"""What can be switched on in a training, by the name of its setting in the recipe; one file each.

The trainer makes a callback of each setting that is not off (0, false or null), in this order. A caller can add others.
"""

from collections.abc import Callable

from headshrink.distillation.callbacks._base import Callback, State
from headshrink.distillation.callbacks._learned_gates import LearnedGates
from headshrink.distillation.callbacks._on_row import OnRow
from headshrink.distillation.callbacks.compile import Compile
from headshrink.distillation.callbacks.ema import Ema
from headshrink.distillation.callbacks.patience import Patience
from headshrink.distillation.callbacks.quantise import Quantise
from headshrink.distillation.callbacks.unfreeze import Unfreeze
from headshrink.distillation.callbacks.word_dropout import WordDropout
from headshrink.distillation.recipe import Recipe
from headshrink.errors import HeadshrinkError

CALLBACKS: dict[str, Callable[[float], Callback]] = {
    "quantise": Quantise,
    "compile": Compile,
    "unfreeze": Unfreeze,
    "word_dropout": WordDropout,
    "ema": Ema,
    "patience": Patience,
}


def callbacks_of(recipe: Recipe) -> list[Callback]:
    """A callback for each setting of the recipe that is on; HeadshrinkError for a name that `CALLBACKS` lacks."""
    if unknown := sorted(recipe.callbacks.keys() - CALLBACKS.keys()):
        raise HeadshrinkError(f"callbacks: {', '.join(unknown)}: allowed are the entries {', '.join(CALLBACKS)}")
    settings = {**vars(recipe), **recipe.callbacks}
    return [make(value) for name, make in CALLBACKS.items() if (value := settings.get(name))]


__all__ = ["CALLBACKS", "Callback", "LearnedGates", "OnRow", "State", "callbacks_of"]
