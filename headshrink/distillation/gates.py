"""Learned gates: hard-concrete gates on heads and FFN neurons, which training closes until a ratio is met.

A gate is drawn anew for every pass (Louizos et al. 2018, section 2.3). A Lagrangian drives the expected share of open
ones to its target (Wang et al. 2020, equation 8; CoFi, Xia et al. 2022, section 3.2), while the losses decide which.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from math import log

import torch
from torch import Tensor, nn

from headshrink.importance import Scores
from headshrink.model import SentenceEncoder
from headshrink.model.sites import KINDS, Kind, sites
from headshrink.pruning import Plan, cut, plan_ratio

BETA, GAMMA, ZETA = 2 / 3, -0.1, 1.1  # temperature, and how far the concrete is stretched before it is cut off
OPEN = 3.0  # log alpha at the start: a gate is 1 in 19 passes of 20, and 1 where nothing is drawn
RATE = 100.0  # gates and multipliers move so many times faster than weights: log alphas have far to go
FALLING = 0.5  # share of the steps over which the target falls


class Gates(nn.Module):
    """A gate for every head and FFN neuron of a student, and the multipliers of its budget.

    `ratios` are the shares of each kind that are to close. Within `on` the gates multiply what enters each block's
    output projection: drawn while the student trains, elsewhere at their settled values.
    """

    def __init__(self, student: SentenceEncoder, ratios: Mapping[Kind, float]) -> None:
        super().__init__()
        self.ratios, self.layers = ratios, len(student.backbone.encoder.layer)
        self.sites = [site for site in sites(student.backbone) if site.units]
        start = [torch.full((site.units,), OPEN / RATE) for site in self.sites]
        self.log_alphas = nn.ParameterList(start).to(student.device)
        self.multipliers = nn.ParameterDict({kind: torch.zeros(2) for kind in KINDS}).to(student.device)

    @contextmanager
    def on(self) -> Iterator[None]:
        """The student under its gates."""
        handles = [site.dense.register_forward_pre_hook(partial(self._close, i)) for i, site in enumerate(self.sites)]
        try:
            yield
        finally:
            for handle in handles:
                handle.remove()

    def _close(self, i: int, dense: nn.Module, arguments: tuple[Tensor]) -> tuple[Tensor]:
        gates = self.drawn(i) if dense.training else self.settled(i)
        return (arguments[0] * gates.repeat_interleave(self.sites[i].unit_width).to(arguments[0].dtype),)

    def log_alpha(self, i: int) -> Tensor:
        """Of one site's units; kept as hundredths, so that one learning rate serves gates and weights."""
        hundredths: Tensor = self.log_alphas[i]
        return RATE * hundredths

    def drawn(self, i: int) -> Tensor:
        """One draw of a site's gates (equations 10 and 11 of Louizos et al.): in [0, 1], both ends with a mass."""
        log_alpha = self.log_alpha(i)
        noise = torch.rand(log_alpha.shape).clamp(1e-6, 1 - 1e-6).to(log_alpha.device)
        return _cut_off(torch.sigmoid((noise.logit() + log_alpha) / BETA))

    def settled(self, i: int) -> Tensor:
        """A site's gates without noise (equation 13)."""
        return _cut_off(torch.sigmoid(self.log_alpha(i)))

    def open_share(self, kind: Kind) -> Tensor:
        """Expected share of a kind's gates that are not 0 (equation 12)."""
        own = [self.log_alpha(i) for i, site in enumerate(self.sites) if site.kind == kind]
        return torch.sigmoid(torch.cat(own) - BETA * log(-GAMMA / ZETA)).mean()

    def penalty(self, progress: float) -> Tensor:
        """The Lagrangian's terms at a share of the training: l1 (open - target) + l2 (open - target)^2, of each kind.

        The target falls along a line over the first FALLING of the steps. The gradient of the multipliers is turned
        round: they rise while too many gates are open, as the optimiser lowers everything else.
        """
        total = torch.zeros((), device=self.log_alphas[0].device)
        for kind in KINDS:
            over = self.open_share(kind) - (1 - self.ratios[kind] * min(1.0, progress / FALLING))
            rising = RATE * (2 * self.multipliers[kind].detach() - self.multipliers[kind])
            total = total + rising[0] * over + rising[1] * over.square()
        return total

    def scores(self) -> Scores:
        """The log alphas as scores of importance, NaN where a layer has no such unit."""
        found: dict[Kind, Tensor] = {}
        for kind in KINDS:
            own = [(i, site) for i, site in enumerate(self.sites) if site.kind == kind]
            found[kind] = torch.full((self.layers, max(site.units for _, site in own)), torch.nan)
            for i, site in own:
                found[kind][site.layer, : site.units] = self.log_alpha(i).detach().cpu()
        return Scores(found["heads"], found["ffn"])

    def plan(self) -> Plan:
        """What stays: the gates' ranking, cut off so that the ratios are met exactly."""
        return plan_ratio(self.scores(), self.ratios["heads"], self.ratios["ffn"])

    def cut(self, student: SentenceEncoder) -> SentenceEncoder:
        """The student by that plan; what stays has its gate's value in its weights."""
        with torch.no_grad():
            for i, site in enumerate(self.sites):
                site.dense.weight *= self.settled(i).repeat_interleave(site.unit_width)
        return cut(student, self.plan())


def _cut_off(concrete: Tensor) -> Tensor:
    return (concrete * (ZETA - GAMMA) + GAMMA).clamp(0, 1)
