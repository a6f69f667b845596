"""Task losses on pairs of embeddings that have a gradient at the teacher itself."""

import torch
from torch import Tensor, nn


def translation_ranking(en: Tensor, ru: Tensor, scale: float = 20.0, margin: float = 0.0) -> Tensor:
    """Bidirectional in-batch softmax over translations (Guo et al. 2018; additive margin: Yang et al. 2019, eq. 4).

    `en` and `ru` are [batch, dimension], row i of one translating row i of the other, of unit length. With
    s_ij = en_i . ru_j and `margin` subtracted on the diagonal, the loss is the mean of the cross-entropies of
    scale * s over rows and over columns. Scale 20 (temperature 0.05) is the usual one for unit vectors.
    """
    similarity = scale * (en @ ru.T - margin * torch.eye(len(en), dtype=en.dtype, device=en.device))
    target = torch.arange(len(en), device=en.device)
    cross_entropy = nn.functional.cross_entropy
    return (cross_entropy(similarity, target) + cross_entropy(similarity.T, target)) / 2
