"""Gradients of all gates, per example, from one backward pass that computes no weight's gradient.

A gate multiplies a head's context or a neuron's activation; at gate 1 its gradient is the sum over tokens of the
activation times its gradient, so no gate is ever multiplied in: hooks on the inputs of the output projections suffice.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial

import torch
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle
from transformers import BertModel

from headshrink.model import PairBatch, SentenceEncoder
from headshrink.model.sites import KINDS, Kind, Site, sites

Observer = Callable[[Site, Tensor, Tensor, Tensor], None]
"""Called with a site, its inputs [tokens, units * unit_width], the gradient of its outputs [tokens, hidden] and the
mask [tokens], 0 for padding."""


class GateGradients:
    """Records what the gates of a backbone get in every backward pass; a context manager.

    Set `mask` [examples, tokens] before each forward pass. Within the block the weights are frozen, and the first gate
    is where differentiation stops: a backward pass costs about what the forward pass does. `observe`, where given,
    also sees each site's tokens, for criteria that need more than gates. Gate gradients are summed in fp32 at least.
    """

    def __init__(self, backbone: BertModel, observe: Observer | None = None) -> None:
        self.sites = [site for site in sites(backbone) if site.units]
        self.layers = len(backbone.encoder.layer)
        self.mask = torch.empty(0)
        self._backbone, self._observe = backbone, observe
        self._sums: dict[tuple[Kind, int], Tensor] = {}
        first = next(backbone.parameters())
        self._product = torch.empty(0, device=first.device, dtype=first.dtype)  # new memory costs more than the sum
        self._block = ExitStack()

    def __enter__(self) -> "GateGradients":
        self._block.enter_context(frozen_with_hooks(self._backbone, self._hooks()))
        return self

    def __exit__(self, *exc: object) -> None:
        self._block.close()

    def _hooks(self) -> Iterator[RemovableHandle]:
        for site in self.sites:
            yield site.dense.register_forward_pre_hook(partial(self._on_input, site))
            if self._observe:
                yield site.dense.register_forward_hook(partial(self._on_output, site))

    def _on_input(self, site: Site, module: nn.Module, args: tuple[Tensor]) -> tuple[Tensor]:
        inputs = differentiable(args[0])
        inputs.register_hook(partial(self._on_gradient, site, inputs.detach()))
        return (inputs,)

    def _on_gradient(self, site: Site, inputs: Tensor, gradient: Tensor) -> None:
        if inputs.dtype == self._product.dtype:
            product = torch.mul(inputs, gradient, out=self._product.resize_(inputs.shape))
        else:
            product = inputs.float() * gradient
        gates = product.sum(1).unflatten(1, (site.units, site.unit_width)).sum(-1)
        key = (site.kind, site.layer)
        self._sums[key] = self._sums[key] + gates if key in self._sums else gates

    def _on_output(self, site: Site, module: nn.Module, args: tuple[Tensor], output: Tensor) -> None:
        inputs, there = args[0].detach().flatten(0, 1), self.mask.flatten()
        output.register_hook(lambda gradient: self._observe(site, inputs, gradient.flatten(0, 1), there))  # type: ignore[misc]

    def take(self) -> dict[Kind, Tensor]:
        """Gate gradients [examples, layers, units] of each kind since the last call, summed over backward passes.

        Layers narrower than the widest have zeros behind their own units.
        """
        example = next(iter(self._sums.values()))
        out: dict[Kind, Tensor] = {}
        for kind in KINDS:
            units = max((site.units for site in self.sites if site.kind == kind), default=0)
            out[kind] = example.new_zeros(len(example), self.layers, units)
            for layer in range(self.layers):
                if (kind, layer) in self._sums:
                    gates = self._sums.pop((kind, layer))
                    out[kind][:, layer, : gates.shape[1]] = gates
        return out


@torch.no_grad()
def input_means(encoder: SentenceEncoder, batch: PairBatch, precision: str) -> dict[Site, Tensor]:
    """The mean input [units * unit_width] of each site over the tokens of one batch, in fp32."""
    found = [site for site in sites(encoder.backbone) if site.units]
    sums: dict[Site, Tensor] = {}
    tokens = torch.zeros((), device=encoder.device)
    for side in batch.sides:
        there = side.attention_mask.to(encoder.device).float()

        def add(site: Site, module: nn.Module, args: tuple[Tensor], there: Tensor = there) -> None:
            some = torch.einsum("etu,et->u", args[0].float(), there)
            sums[site] = sums[site] + some if site in sums else some

        with frozen_with_hooks(encoder, (site.dense.register_forward_pre_hook(partial(add, site)) for site in found)):
            encoder.embed_batch(side, precision)
        tokens = tokens + there.sum()
    return {site: total / tokens for site, total in sums.items()}


@contextmanager
def frozen_with_hooks(model: nn.Module, hooks: Iterable[RemovableHandle]) -> Iterator[None]:
    """Freeze a model's weights and register `hooks` for a block; both are undone after it, also after an exception."""
    trainable = [weight for weight in model.parameters() if weight.requires_grad]
    handles: list[RemovableHandle] = []
    try:
        model.requires_grad_(False)
        handles.extend(hooks)
        yield
    finally:
        for handle in handles:
            handle.remove()
        for weight in trainable:
            weight.requires_grad_(True)


def differentiable(states: Tensor) -> Tensor:
    """Activations whose gradient is computed: where no earlier ones need it, differentiation stops here."""
    return states if states.requires_grad else states.detach().requires_grad_()


@contextmanager
def dropout(module: nn.Module, on: bool) -> Iterator[None]:
    """Switch a module's dropout on or off for a block, and put every submodule's mode back after it."""
    modes = [(part, part.training) for part in module.modules()]
    module.train(on)
    try:
        yield
    finally:
        for part, mode in modes:
            part.training = mode
