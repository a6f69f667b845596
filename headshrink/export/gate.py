"""What an exported form must prove before the stage lets it out."""

from collections.abc import Sequence

import numpy as np

from headshrink.errors import HeadshrinkError
from headshrink.export.targets import Embed

MIN_RELOAD_COSINE = 0.9999  # fp32 forms differ by rounding alone, some 1e-6; anything worse is a defect of the form


def check_reload(name: str, embed: Embed, sentences: Sequence[str], expected: np.ndarray) -> float:
    """Compare a reloaded form with the embeddings [sentences, dimension] of the model in memory.

    Returns the lowest cosine between a sentence's two embeddings. Raises HeadshrinkError with that figure and its
    sentence where it is not above MIN_RELOAD_COSINE.
    """
    cosines = cosine(embed(sentences), expected)
    worst = int(np.argmin(cosines))
    if not cosines[worst] > MIN_RELOAD_COSINE:  # so written, NaN fails too
        raise HeadshrinkError(
            f"export target {name} does not reproduce the model: cosine {cosines[worst]:.6f} on {sentences[worst]!r}, "
            f"more than {MIN_RELOAD_COSINE} is needed"
        )
    return float(cosines[worst])


def cosine(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Cosine of each row of `a` with the same row of `b`: both [rows, dimension], result [rows] in float64."""
    a, b = a.astype(np.float64), b.astype(np.float64)
    return (a * b).sum(1) / (np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1))
