"""The 2024 work's importance: |weight * gradient|, the gradient summed with its sign over all batches."""

from collections.abc import Sequence

import torch
from torch import Tensor

from headshrink.importance.criteria._base import Criterion
from headshrink.model.sites import Site


class TaylorSigned(Criterion):
    """Sum of |w * sum over batches of dL/dw| over a unit's columns of the output projection, with dropout on.

    Kept to be compared with, as it was: gradients of opposite sign cancel between batches, and dropout adds noise.
    It was ranked within each layer, and its loss was `similarity`.
    """

    dropout = True
    needs_tokens = True

    def __init__(self, sites: Sequence[Site], seed: int = 0) -> None:
        super().__init__(sites, seed)
        self.gradients = [torch.zeros(0) if not site.units else torch.zeros_like(site.dense.weight) for site in sites]

    def observe(self, site: Site, inputs: Tensor, output_grad: Tensor, there: Tensor) -> None:
        self.gradients[site.layer].addmm_(output_grad.float().T, inputs.float())

    def sums(self) -> dict[str, Tensor]:
        return {f"gradient {layer}": gradient for layer, gradient in enumerate(self.gradients)}

    def scores(self) -> Tensor:
        out = torch.zeros(self.shape, device=self.device)
        for row, site, gradient in zip(out, self.sites, self.gradients, strict=True):
            if site.units:
                columns = (site.dense.weight.detach() * gradient).abs().sum(0)
                row[: site.units] = columns.view(site.units, site.unit_width).sum(1)
        return out
