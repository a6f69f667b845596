"""Streamed second moments of a projection's inputs, and the least squares that they answer."""

import torch
from torch import Tensor

BLOCK = 256  # columns per block row


class Gram:
    """Sum over rows x [width] of the outer product x x', its upper triangle in rows of blocks.

    The triangle takes little more than half of the memory and of the products of the whole matrix. The sums are in
    `dtype`: the rounding of float32 sums is far below what another sample of text changes.
    """

    def __init__(self, width: int, device: torch.device, dtype: torch.dtype = torch.float32) -> None:
        self.width, self.dtype = width, dtype
        self.blocks = {
            start: torch.zeros(min(BLOCK, width - start), width - start, dtype=dtype, device=device)
            for start in range(0, width, BLOCK)
        }

    def add(self, rows: Tensor) -> None:
        """Add rows [any, width]."""
        rows = rows.to(self.dtype)
        for start, block in self.blocks.items():
            block.addmm_(rows[:, start : start + len(block)].T, rows[:, start:])

    def whole(self) -> Tensor:
        """The symmetric matrix [width, width] in float64."""
        device = next(iter(self.blocks.values())).device if self.blocks else None
        out = torch.empty(self.width, self.width, dtype=torch.float64, device=device)
        for start, block in self.blocks.items():
            end = start + len(block)
            out[start:end, start:] = block
            out[end:, start:end] = block[:, len(block) :].T
        return out


class Moments:
    """Inputs [tokens, in] and, where wanted, targets [tokens, out], reduced to their moments in `dtype`.

    Memory is about (in + 1) * (in / 2 + out) numbers, whatever the number of tokens. Inputs are counted from `origin`,
    where there is one: the nearer it is to their mean, the less a covariance in float32 loses by cancellation.
    """

    def __init__(self, inputs: int, outputs: int, device: torch.device, dtype: torch.dtype = torch.float64) -> None:
        self.gram = Gram(inputs + 1, device, dtype)  # the last row and column: of ones
        self.cross = torch.zeros(inputs + 1, outputs, dtype=dtype, device=device)
        self.origin: Tensor | None = None  # [in]

    def add(self, inputs: Tensor, targets: Tensor | None = None, there: Tensor | None = None) -> None:
        """Add some tokens; those that `there` [tokens], 0 or 1, marks by 0 count for nothing (None: all count)."""
        inputs = inputs if self.origin is None else inputs - self.origin
        rows = torch.cat([inputs, inputs.new_ones(len(inputs), 1)], dim=1).to(self.gram.dtype)
        if there is not None:
            rows *= there[:, None]
        self.gram.add(rows)
        if targets is not None:
            self.cross.addmm_(rows.T, targets.to(rows))

    def covariance(self, ridge: float | Tensor) -> Tensor:
        """Covariance of the inputs [in, in] in float64, `ridge` times their mean variance added to its diagonal."""
        return _covariance(self.gram.whole(), ridge)

    def fit(self, weight: Tensor, ridge: float) -> tuple[Tensor, Tensor]:
        """Weights [out, in] and bias [out] that minimise squared error + ridge * |W - weight|^2, as float64; no origin.

        `ridge` is in units of the inputs' mean variance, the error a sum over tokens: it weighs as much as so many
        tokens' saying that the weights are right, and less the more tokens there are. The bias is free. Shrinking
        towards the weights there are, not towards zero, means that where the text says nothing, nothing changes.
        """
        gram, cross = self.gram.whole(), self.cross.double()
        tokens = gram[-1, -1]
        mean, target_mean = gram[-1, :-1] / tokens, cross[-1] / tokens
        start = weight.double()
        missing = cross[:-1] / tokens - torch.outer(mean, target_mean) - _covariance(gram, 0.0) @ start.T
        factor = torch.linalg.cholesky(_covariance(gram, ridge / tokens))
        fitted = start + torch.cholesky_solve(missing, factor).T
        return fitted, target_mean - fitted @ mean


def _covariance(gram: Tensor, ridge: float | Tensor) -> Tensor:
    mean = gram[-1, :-1] / gram[-1, -1]
    covariance = gram[:-1, :-1] / gram[-1, -1] - torch.outer(mean, mean)
    if len(covariance):
        covariance.diagonal().add_(ridge * covariance.diagonal().mean() + torch.finfo(torch.float32).tiny)
    return covariance
