"""Distance to the teacher's own embedding, by random projections: its gradient at the teacher itself is zero."""

import torch
from torch import Tensor


def projected_embedding(en: Tensor, ru: Tensor, generator: torch.Generator) -> Tensor:
    """Sum over sentences of v . embedding, v of random signs, fresh for every sentence.

    No loss by itself: with J the embedding's derivative by the gates, an example's gate gradients are J'v, and their
    outer products average to J'J, the Gauss-Newton matrix of |embedding - teacher's|^2 / 2 (Hutchinson 1990). So it
    is for criteria that square gradients: `fisher` and `obs`.
    """
    return sum((_signs_like(side, generator) * side).sum() for side in (en, ru))  # type: ignore[return-value]


def _signs_like(embeddings: Tensor, generator: torch.Generator) -> Tensor:
    return torch.randint(0, 2, embeddings.shape, generator=generator, device=embeddings.device).to(embeddings) * 2 - 1
