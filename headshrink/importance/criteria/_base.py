"""What every importance criterion is: fed batch after batch with one kind's gates, asked for scores at the end."""

from collections.abc import Callable, Sequence
from typing import ClassVar

import torch
from torch import Tensor

from headshrink.model.sites import Site


class Criterion:
    """Scores the units of one kind (heads, or FFN neurons) over all layers.

    `dropout` asks for passes with dropout on; `needs_tokens` for `observe` to be called; `needs_passes` is False where
    the weights alone decide. `scores` has shape [layers, units of the widest layer].
    """

    dropout: ClassVar[bool] = False
    needs_tokens: ClassVar[bool] = False
    needs_passes: ClassVar[bool] = True

    def __init__(self, sites: Sequence[Site], seed: int = 0) -> None:
        """`sites`, one a layer, in order; `seed` for what is random in the criterion itself."""
        self.sites, self.seed = sites, seed
        self.device = sites[0].dense.bias.device
        self.shape = (len(sites), max(site.units for site in sites))
        self.accumulated = torch.zeros(self.shape, device=self.device)

    def count_from(self, site: Site, mean: Tensor) -> None:
        """Take a mean [units * unit_width] of the site's inputs, about which second moments lose less by rounding."""

    def update(self, gate_grad: Tensor) -> None:
        """Take one batch's gate gradients [examples, layers, units]: of the sum of the examples' losses."""

    def observe(self, site: Site, inputs: Tensor, output_grad: Tensor, there: Tensor) -> None:
        """Take a pass's tokens: inputs [tokens, units * unit_width] and gradients of the outputs [tokens, hidden].

        `there` [tokens] is 1 for text and 0 for padding, whose gradients are zero.
        """

    def sums(self) -> dict[str, Tensor]:
        """What has been accumulated, all of it sums over batches: checkpoints hold it, halves of the data add up."""
        return {"accumulated": self.accumulated}

    def add(self, sums: dict[str, Tensor]) -> None:
        """Add what another one of the same kind has accumulated."""
        for mine, theirs in zip(self.sums().values(), sums.values(), strict=True):
            mine += theirs.to(mine.device)

    def scores(self) -> Tensor:
        """The scores [layers, units], the larger the more important."""
        return self.accumulated

    def scores_of(self, layers: Sequence[int], layer_done: Callable[[], object]) -> Tensor:
        """The scores of some layers [those layers, units]; `layer_done` is called after each."""
        found = self.scores()[list(layers)]
        for _ in layers:
            layer_done()
        return found


class SlowCriterion(Criterion):
    """One whose scoring takes seconds per layer, each layer by itself."""

    def unit_costs(self, site: Site) -> Tensor:
        """The scores of one layer [units]."""
        raise NotImplementedError

    def scores(self) -> Tensor:
        return self.scores_of(range(len(self.sites)), lambda: None)

    def scores_of(self, layers: Sequence[int], layer_done: Callable[[], object]) -> Tensor:
        out = torch.zeros(len(layers), self.shape[1], device=self.device)
        for row, layer in zip(out, layers, strict=True):
            if units := self.sites[layer].units:
                row[:units] = self.unit_costs(self.sites[layer])
            layer_done()
        return out
