"""headshrink: smaller, faster bilingual BERT sentence encoders by structured pruning and distillation.

The names below are imported when they are first used: a parameter file is checked and an error is shown without torch.
The first of them also registers the pruned architecture, so that `AutoModel.from_pretrained(student_folder)` works.
"""

from typing import TYPE_CHECKING, Any

from headshrink.errors import HeadshrinkError

if TYPE_CHECKING:
    from headshrink.model import SentenceEncoder, load_encoder, save_encoder

__all__ = ["HeadshrinkError", "SentenceEncoder", "load_encoder", "save_encoder"]
__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from headshrink import model

    return getattr(model, name)
