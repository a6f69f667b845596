"""What a target is: a place in the export folder, how it is written, how it is opened again."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from headshrink.model import SentenceEncoder

Embed = Callable[[Sequence[str]], np.ndarray]  # texts -> float32 [texts, dimension], in the order given


@dataclass(frozen=True)
class Options:
    """What the user may choose about a target; each uses what concerns it.

    `reduce_range`: int8 weights of 7 bits, which no processor's arithmetic saturates on.
    """

    reduce_range: bool = True


DEFAULTS = Options()


@dataclass(frozen=True)
class Target:
    """One form of a model.

    `place` is its folder below the export folder ("" for that folder itself); `write` puts an encoder there, with the
    same bytes each time; `open` loads what was written as a user would, and returns what embeds texts with it.
    `title` and `snippet` are the model card's; the snippet runs in the export folder. `lossless` forms reproduce the
    embeddings up to rounding; the others must pass the quality gate.
    """

    title: str
    snippet: str
    place: str
    write: Callable[[SentenceEncoder, Path, Options], None]
    open: Callable[[Path], Embed]
    lossless: bool = True
