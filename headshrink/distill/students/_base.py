"""What a student may be made from, and its shape."""

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor

from headshrink.model import SentenceEncoder


@dataclass(frozen=True)
class Origin:
    """The teacher, the model cut from it, and how often each of its tokens occurs in the training text [vocabulary]."""

    teacher: SentenceEncoder
    pruned: SentenceEncoder
    counts: Tensor


@dataclass(frozen=True)
class Shape:
    """A student's size, of which each kind uses what it needs; `rank` None is a dense word table."""

    layers: int = 2
    hidden: int = 312
    heads: int = 12
    ffn: int = 600
    rank: int | None = None
    share_layers: bool = False
    seed: int = 0


Build = Callable[[Origin, Shape], SentenceEncoder]
