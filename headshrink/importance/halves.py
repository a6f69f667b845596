"""Criteria fed in two halves, even and odd batches: their agreement says whether the scores have converged."""

from collections.abc import Sequence

import torch
from torch import Tensor
from transformers import BertModel

from headshrink.importance.criteria import CRITERIA, Criterion
from headshrink.importance.scores import Scores, agreement
from headshrink.model.sites import KINDS, Kind, Site, sites

Built = dict[tuple[Kind, str], Criterion]


class Halves:
    """Several criteria of both kinds, twice. What they accumulate are sums, so that two halves add up to the whole."""

    def __init__(self, backbone: BertModel, names: Sequence[str], seed: int) -> None:
        self.names, self.seed = names, seed
        self.sites: dict[Kind, list[Site]] = {kind: [] for kind in KINDS}
        for site in sites(backbone):
            self.sites[site.kind].append(site)
        self.halves: tuple[Built, Built] = (self._build(), self._build())
        everyone = self.halves[0].values()
        self.want_dropout = any(criterion.dropout for criterion in everyone)
        self.need_tokens = any(criterion.needs_tokens for criterion in everyone)

    def _build(self) -> Built:
        return {(kind, name): CRITERIA[name](self.sites[kind], self.seed) for kind in KINDS for name in self.names}

    def update(self, batch: int, gate_grads: dict[Kind, Tensor]) -> None:
        """Give the gates' gradients of batch number `batch` to its half."""
        for (kind, _), criterion in self.halves[batch % 2].items():
            criterion.update(gate_grads[kind])

    def observe(self, batch: int, site: Site, inputs: Tensor, output_grad: Tensor) -> None:
        """Give a site's tokens to the criteria that look at them."""
        for (kind, _), criterion in self.halves[batch % 2].items():
            if kind == site.kind and criterion.needs_tokens:
                criterion.observe(site, inputs, output_grad)

    def sums(self) -> list[dict[str, dict[str, Tensor]]]:
        """All that has been accumulated, for a checkpoint."""
        return [
            {f"{kind} {name}": criterion.sums() for (kind, name), criterion in half.items()} for half in self.halves
        ]

    def add(self, sums: list[dict[str, dict[str, Tensor]]]) -> None:
        """Add what `sums` gave to what has been accumulated here."""
        for half, theirs in zip(self.halves, sums, strict=True):
            for (kind, name), criterion in half.items():
                criterion.add(theirs[f"{kind} {name}"])

    def scores(self, name: str, batches: int) -> Scores:
        """A criterion's scores over both halves, and how far the halves agree."""
        whole = {kind: CRITERIA[name](self.sites[kind], self.seed) for kind in KINDS}
        for half in self.halves:
            for kind, criterion in whole.items():
                criterion.add(half[kind, name].sums())
        agreed: dict[str, float] = {kind: self.agreement(kind, name) for kind in KINDS} if batches > 1 else {}
        return Scores(_finish(whole["heads"]), _finish(whole["ffn"]), batches, agreed)

    def agreement(self, kind: Kind, name: str) -> float:
        """Spearman's correlation of the two halves' scores over all units of a kind."""
        return agreement(*(_finish(half[kind, name]) for half in self.halves))

    def lowest_agreement(self) -> float:
        """The least agreement of any criterion and kind."""
        return min(self.agreement(kind, name) for kind, name in self.halves[0] if CRITERIA[name].needs_passes)


def _finish(criterion: Criterion) -> Tensor:
    """A criterion's scores on the CPU, NaN where a layer has no such unit."""
    scores = criterion.scores().float().cpu()
    for layer, site in enumerate(criterion.sites):
        scores[layer, site.units :] = torch.nan
    return scores
