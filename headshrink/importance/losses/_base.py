"""What a loss for scoring is: a number to differentiate, from the two sides' embeddings."""

from collections.abc import Callable

import torch
from torch import Tensor

ScoringLoss = Callable[[Tensor, Tensor, torch.Generator], Tensor]
"""(en, ru, generator) -> scalar: embeddings are [pairs, dimension], the result is a sum over pairs, not a mean."""
