"""What an exported form must prove before the stage lets it out."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from headshrink.errors import HeadshrinkError
from headshrink.export.targets import Embed

MIN_RELOAD_COSINE = 0.9999  # fp32 forms differ by rounding alone, some 1e-6; anything worse is a defect of the form


def check_reload(name: str, embed: Embed, sentences: Sequence[str], expected: np.ndarray) -> float:
    """Compare a reloaded form with the embeddings [sentences, dimension] of the model in memory.

    Returns the lowest cosine between a sentence's two embeddings. Raises HeadshrinkError with that figure and its
    sentence where it is not above MIN_RELOAD_COSINE.
    """
    cosines = np.diag(similarities(embed(sentences), expected))
    worst = int(np.argmin(cosines))
    if not cosines[worst] > MIN_RELOAD_COSINE:  # so written, NaN fails too
        raise HeadshrinkError(
            f"export target {name} does not reproduce the model: cosine {cosines[worst]:.6f} on {sentences[worst]!r}, "
            f"more than {MIN_RELOAD_COSINE} is needed"
        )
    return float(cosines[worst])


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

    min_cosine: float = 0.98
    max_retrieval_loss: float = 0.01
    min_rank: float = 0.98


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
    both = [np.concatenate(sides) for sides in (form, model)]
    across = [similarities(*sides) for sides in (form, model)]
    return Agreement(
        cosine=float(np.diag(similarities(*both)).mean()),
        retrieval_loss=retrieval(across[1]) - retrieval(across[0]),
        rank=float(np.corrcoef([ranks(matrix.ravel()) for matrix in across])[0, 1]),
    )


def similarities(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Cosines [rows of a, rows of b], in float64."""
    a, b = (x.astype(np.float64) / np.linalg.norm(x.astype(np.float64), axis=1, keepdims=True) for x in (a, b))
    return a @ b.T


def retrieval(similarity: np.ndarray) -> float:
    """Share of rows and columns of a square matrix whose largest entry is on the diagonal: retrieval at 1."""
    own = np.arange(len(similarity))
    return float(((similarity.argmax(0) == own).mean() + (similarity.argmax(1) == own).mean()) / 2)


def ranks(values: np.ndarray) -> np.ndarray:
    """Rank of each value, from 0; ties, which embeddings of distinct sentences hardly have, in order of place."""
    out = np.empty(len(values))
    out[values.argsort(kind="stable")] = np.arange(len(values))
    return out
