"""Criteria fed in two halves, even and odd batches: their agreement says whether the scores have converged."""

from collections.abc import Sequence

import torch
from torch import Tensor
from transformers import BertModel

from headshrink.importance.criteria import CRITERIA, Criterion
from headshrink.importance.scores import Scores, agreement
from headshrink.model.sites import KINDS, Kind, Site, sites
from headshrink.progress import Bar

Key = tuple[Kind, str]
Built = dict[Key, Criterion]
LAYERS_COMPARED = 6  # by the agreement of halves: scoring a layer takes seconds


class Halves:
    """Several criteria of both kinds, twice. What they accumulate are sums, so that two halves add up to the whole."""

    def __init__(self, backbone: BertModel, names: Sequence[str], seed: int) -> None:
        self.names, self.seed = names, seed
        self.sites: dict[Kind, list[Site]] = {kind: [] for kind in KINDS}
        for site in sites(backbone):
            self.sites[site.kind].append(site)
        self.halves: tuple[Built, Built] = (self._build(), self._build())
        self._agreed: tuple[int, dict[Key, float]] | None = None
        everyone = self.halves[0].values()
        self.want_dropout = any(criterion.dropout for criterion in everyone)
        self.need_tokens = any(criterion.needs_tokens for criterion in everyone)

    def _build(self) -> Built:
        return {(kind, name): CRITERIA[name](self.sites[kind], self.seed) for kind in KINDS for name in self.names}

    def update(self, batch: int, gate_grads: dict[Kind, Tensor]) -> None:
        """Give the gates' gradients of batch number `batch` to its half."""
        for (kind, _), criterion in self.halves[batch % 2].items():
            criterion.update(gate_grads[kind])

    def observe(self, batch: int, site: Site, inputs: Tensor, output_grad: Tensor, there: Tensor) -> None:
        """Give a site's tokens to the criteria that look at them."""
        for (kind, _), criterion in self.halves[batch % 2].items():
            if kind == site.kind and criterion.needs_tokens:
                criterion.observe(site, inputs, output_grad, there)

    def count_from(self, means: dict[Site, Tensor]) -> None:
        """Give both halves the means of sites' inputs."""
        for half in self.halves:
            for criterion in half.values():
                for site in criterion.sites:
                    if site in means:
                        criterion.count_from(site, means[site])

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

    def agreement(self, batches: int, bar: Bar | None = None) -> dict[Key, float]:
        """Spearman's correlation of the two halves' scores of each kind and criterion, over a sample of layers.

        `batches` is how many are in the halves: a second call for as many gives what the first one found.
        """
        if self._agreed is None or self._agreed[0] != batches:
            found = {key: agreement(*(self._sample(half[key], bar) for half in self.halves)) for key in self.halves[0]}
            self._agreed = (batches, found)
        return self._agreed[1]

    def lowest_agreement(self, batches: int) -> float:
        """The least agreement of any criterion and kind."""
        return min(r for (_, name), r in self.agreement(batches).items() if CRITERIA[name].needs_passes)

    def finish(self, batches: int) -> dict[str, Scores]:
        """Every criterion's scores over both halves, and how far the halves agree.

        Ends the pass: the first half then holds the sums of both, which spares the memory of a third one.
        """
        one, other = self.halves
        layers = {key: range(len(criterion.sites)) for key, criterion in one.items()}
        with Bar("importance, layers scored", self._layers_left(batches)) as bar:
            agreed = self.agreement(batches, bar) if batches > 1 else {}  # one half would be empty
            for key, criterion in one.items():
                criterion.add(other[key].sums())
            whole = {key: _finish(criterion, layers[key], bar) for key, criterion in one.items()}
        out = {}
        for name in self.names:
            passes = batches if CRITERIA[name].needs_passes else 0
            halves: dict[str, float] = {kind: agreed[kind, name] for kind in KINDS} if passes > 1 else {}
            out[name] = Scores(whole["heads", name], whole["ffn", name], passes, halves)
        return out

    def _sample(self, criterion: Criterion, bar: Bar | None) -> Tensor:
        return _finish(criterion, sampled(len(criterion.sites)), bar)

    def _layers_left(self, batches: int) -> int:
        """How many layers `finish` scores."""
        counts = [len(criterion.sites) for criterion in self.halves[0].values()]
        known = batches < 2 or (self._agreed is not None and self._agreed[0] == batches)
        return sum(counts) + (0 if known else 2 * sum(len(sampled(count)) for count in counts))


def sampled(layers: int) -> list[int]:
    """At most LAYERS_COMPARED of so many layers, evenly spaced."""
    count = min(layers, LAYERS_COMPARED)
    return [round(i * (layers - 1) / max(1, count - 1)) for i in range(count)]


def _finish(criterion: Criterion, layers: Sequence[int], bar: Bar | None) -> Tensor:
    """A criterion's scores of some layers on the CPU, NaN where a layer has no such unit."""
    scores = criterion.scores_of(layers, bar.advance if bar else lambda: None).float().cpu()
    for row, layer in zip(scores, layers, strict=True):
        row[criterion.sites[layer].units :] = torch.nan
    return scores
