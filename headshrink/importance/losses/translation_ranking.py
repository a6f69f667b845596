"""Translation ranking: each sentence must find its translation among the batch's."""

import torch
from torch import Tensor

from headshrink.model.objectives import translation_ranking


def ranking_loss(en: Tensor, ru: Tensor, generator: torch.Generator) -> Tensor:
    """Sum over pairs of the bidirectional in-batch softmax loss, at its usual scale.

    It has a gradient at the teacher itself and asks for what the embeddings are used for: nearness of translations
    *and* distance of everything else. Embeddings are scaled to unit length first, whatever the encoder does.
    """
    unit = torch.nn.functional.normalize
    return len(en) * translation_ranking(unit(en, dim=-1), unit(ru, dim=-1))
