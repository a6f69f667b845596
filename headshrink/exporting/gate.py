"""What an exported form must prove before the stage lets it out."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from headshrink.errors import HeadshrinkError
from headshrink.exporting.targets import Embed
from headshrink.metrics import cosines, retrieval_at_1, spearman, unit_length
from headshrink.parameters.export import DEFAULTS

MIN_RELOAD_COSINE = 0.9999  # fp32 forms differ by rounding alone, some 1e-6; anything worse is a defect of the form


def check_reload(name: str, embed: Embed, sentences: Sequence[str], expected: np.ndarray) -> float:
    """Compare a reloaded form with the embeddings [sentences, dimension] of the model in memory.

    Returns the lowest cosine between a sentence's two embeddings. Raises HeadshrinkError with that figure and its
    sentence where it is not above MIN_RELOAD_COSINE.
    """
    found = cosines(embed(sentences), expected)
    worst = int(np.argmin(found))
    if not found[worst] > MIN_RELOAD_COSINE:  # so written, NaN fails too
        raise HeadshrinkError(
            f"export target {name} does not reproduce the model: cosine {found[worst]:.6f} on {sentences[worst]!r}, "
            f"more than {MIN_RELOAD_COSINE} is needed"
        )
    return float(found[worst])


@dataclass(frozen=True)
class Agreement:
    """How much of a model a lossy form keeps, on held-out pairs.

    `cosine`: mean over sentences, between the form's embedding and the model's. `retrieval_loss`: the share of
    sentences whose translation is nearest among the other language's, lost against the model; negative where gained.
    `rank`: Spearman's correlation between the form's and the model's similarities of all pairs of sentences across
    the languages, which is what search and the STS tasks see.
    """

    cosine: float
    retrieval_loss: float
    rank: float


@dataclass(frozen=True)
class Limits:
    """What a lossy form may lose of each figure of Agreement."""

    min_cosine: float = DEFAULTS.gate.min_cosine
    max_retrieval_loss: float = DEFAULTS.gate.max_retrieval_loss
    min_rank: float = DEFAULTS.gate.min_rank


def losses(found: Agreement, limits: Limits) -> str:
    """What of an agreement is beyond its limits, in words; nothing where all is within."""
    failed = []
    if not found.cosine >= limits.min_cosine:
        failed.append(f"cosine {found.cosine:.4f} (at least {limits.min_cosine} is needed)")
    if not found.retrieval_loss <= limits.max_retrieval_loss:
        failed.append(f"retrieval loss {found.retrieval_loss:.4f} (at most {limits.max_retrieval_loss})")
    if not found.rank >= limits.min_rank:
        failed.append(f"rank agreement {found.rank:.4f} (at least {limits.min_rank})")
    return ", ".join(failed)


def agreement(form: tuple[np.ndarray, np.ndarray], model: tuple[np.ndarray, np.ndarray]) -> Agreement:
    """Agreement of two pairs of embeddings (English, Russian), each [pairs, dimension]."""
    form, model = unit_sides(form), unit_sides(model)
    return Agreement(
        cosine=float(cosines(np.concatenate(form), np.concatenate(model)).mean()),
        retrieval_loss=retrieval_at_1(*model) - retrieval_at_1(*form),
        rank=spearman(*((en @ ru.T).ravel() for en, ru in (form, model))),
    )


def unit_sides(sides: tuple[np.ndarray, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """English and Russian embeddings of unit length, in float64."""
    en, ru = (unit_length(side.astype(np.float64)) for side in sides)
    return en, ru
