"""Optimal brain surgeon for structures (ZipLM, Kurtic et al. 2023; gradients as in K-FAC, Martens and Grosse 2015)."""

from collections.abc import Sequence

import torch
from torch import Tensor

from headshrink.importance.criteria._base import SlowCriterion
from headshrink.importance.criteria._greedy import reconstruction_costs
from headshrink.importance.moments import Gram, Moments
from headshrink.model.sites import Site

RIDGE = 1e-3  # of the inputs' mean variance: the covariance of few tokens is not invertible


class Obs(SlowCriterion):
    """What the loss pays for a unit when the units that stay are refitted to stand in for it.

    Changing the output projection by D costs tr(G D H D') / 2 per example: H the covariance of its inputs, G the sum
    over an example's tokens of the outer products of its outputs' gradients. The constant part is not in H, since the
    bias makes up for it. A head that others can imitate is cheap here, however large its gradient. ZipLM has G = 1,
    which cannot compare layers; G from the loss `teacher_distance` counts all in change of the embedding. These costs
    come true only if the projections are refitted after the cut (headshrink.pruning.repair).
    """

    needs_tokens = True

    def __init__(self, sites: Sequence[Site], seed: int = 0) -> None:
        super().__init__(sites, seed)
        self.inputs = [Moments(site.units * site.unit_width, 0, self.device, torch.float32) for site in sites]
        self.outputs = [Gram(len(site.dense.bias), self.device) for site in sites]
        self.examples = torch.zeros((), dtype=torch.long, device=self.device)

    def count_from(self, site: Site, mean: Tensor) -> None:
        self.inputs[site.layer].origin = mean

    def update(self, gate_grad: Tensor) -> None:  # [examples, layers, units]
        self.examples += len(gate_grad)

    def observe(self, site: Site, inputs: Tensor, output_grad: Tensor, there: Tensor) -> None:
        self.inputs[site.layer].add(inputs, there=there)
        self.outputs[site.layer].add(output_grad)

    def sums(self) -> dict[str, Tensor]:
        grams = {"input": [moments.gram for moments in self.inputs], "output": self.outputs}
        blocks = {
            f"{side} {layer} {start}": block
            for side, layers in grams.items()
            for layer, gram in enumerate(layers)
            for start, block in gram.blocks.items()
        }
        return blocks | {"examples": self.examples}

    def unit_costs(self, site: Site) -> Tensor:
        values, vectors = torch.linalg.eigh(self.outputs[site.layer].whole() / self.examples)
        weight = (vectors * values.clamp(min=0).sqrt()).T @ site.dense.weight.detach().double()
        return reconstruction_costs(weight, self.inputs[site.layer].covariance(RIDGE), site.unit_width)
