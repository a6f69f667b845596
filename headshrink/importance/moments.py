"""Streamed second moments of a projection's inputs, and the least squares that they answer."""

import torch
from torch import Tensor


class Moments:
    """Inputs [tokens, in] and, where wanted, targets [tokens, out], reduced to their moments in float64.

    Memory is (in + 1) * (in + 1 + out) numbers, whatever the number of tokens. `products` is the type in which the
    tokens of one call are multiplied; the sums over calls are float64 always. float32 products take half the time;
    their rounding is far below what another sample of text changes.
    """

    def __init__(
        self, inputs: int, outputs: int, device: torch.device, products: torch.dtype = torch.float64
    ) -> None:
        self.products = products
        self.gram = torch.zeros(inputs + 1, inputs + 1, dtype=torch.float64, device=device)
        self.cross = torch.zeros(inputs + 1, outputs, dtype=torch.float64, device=device)

    def add(self, inputs: Tensor, targets: Tensor | None = None) -> None:
        """Add some tokens."""
        rows = torch.cat([inputs, inputs.new_ones(len(inputs), 1)], dim=1).to(self.products)
        self.gram += rows.T @ rows
        if targets is not None:
            self.cross += rows.T @ targets.to(self.products)

    @property
    def tokens(self) -> Tensor:
        """How many have been added."""
        return self.gram[-1, -1]

    def covariance(self, ridge: float) -> Tensor:
        """Covariance of the inputs [in, in], `ridge` times their mean variance added to its diagonal."""
        mean = self.gram[-1, :-1] / self.gram[-1, -1]
        covariance = self.gram[:-1, :-1] / self.gram[-1, -1] - torch.outer(mean, mean)
        floor = ridge * covariance.diagonal().mean() + torch.finfo(torch.float32).tiny if len(covariance) else 0.0
        return covariance + floor * torch.eye(len(covariance)).to(covariance)

    def fit(self, weight: Tensor, ridge: float) -> tuple[Tensor, Tensor]:
        """Weights [out, in] and bias [out] that minimise squared error + ridge * |W - weight|^2, as float64.

        `ridge` is in units of the inputs' mean variance, the error a sum over tokens: it weighs as much as so many
        tokens' saying that the weights are right, and less the more tokens there are. The bias is free. Shrinking
        towards the weights there are, not towards zero, means that where the text says nothing, nothing changes.
        """
        tokens = self.tokens
        mean, target_mean = self.gram[-1, :-1] / tokens, self.cross[-1] / tokens
        start = weight.double()
        missing = self.cross[:-1] / tokens - torch.outer(mean, target_mean) - self.covariance(0.0) @ start.T
        fitted = start + torch.cholesky_solve(missing, torch.linalg.cholesky(self.covariance(ridge / float(tokens)))).T
        return fitted, target_mean - fitted @ mean
