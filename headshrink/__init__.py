"""headshrink: smaller, faster bilingual BERT sentence encoders by structured pruning and distillation.

The front door is eight functions: load_encoder, read_corpus, trim, score, prune, distill, export, benchmark. They take
and return plain objects; only load_encoder, read_corpus, trim, export and benchmark take paths. Names are imported when
they are first used, so that errors are shown without torch. The first use also registers the pruned architecture for
`AutoModel.from_pretrained`.
"""

import importlib
from typing import TYPE_CHECKING, Any

from headshrink.errors import HeadshrinkError

if TYPE_CHECKING:
    from headshrink.api import benchmark, distill, export, prune, score, trim
    from headshrink.data.corpus import read_corpus
    from headshrink.model import SentenceEncoder, load_encoder, save_encoder

__all__ = [
    "HeadshrinkError",
    "SentenceEncoder",
    "benchmark",
    "distill",
    "export",
    "load_encoder",
    "prune",
    "read_corpus",
    "save_encoder",
    "score",
    "trim",
]
__version__ = "0.1.0"
MODULES = {"read_corpus": "data.corpus", "SentenceEncoder": "model", "load_encoder": "model", "save_encoder": "model"}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    importlib.import_module("headshrink.model")
    return getattr(importlib.import_module(f"headshrink.{MODULES.get(name, 'api')}"), name)
