"""What a target is: a place in the export folder, how it is written, how it is opened again."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from headshrink.model import SentenceEncoder

Embed = Callable[[Sequence[str]], np.ndarray]  # texts -> float32 [texts, dimension], in the order given


@dataclass(frozen=True)
class Target:
    """One form of a model.

    `place` is its folder below the export folder ("" for that folder itself); `write` puts an encoder there, with the
    same bytes each time; `open` loads what was written as a user would, and returns what embeds texts with it.
    """

    place: str
    write: Callable[[SentenceEncoder, Path], None]
    open: Callable[[Path], Embed]
