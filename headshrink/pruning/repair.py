"""Repair without training: refit what is left of a cut model by least squares, one block after the other.

After a cut, every attention and FFN block is refitted in layer order, x and r being the already cut and repaired
model's activations and residual at that block, y the teacher's sum before the LayerNorm, and W0 the weights as cut:

    min over W, b of  sum over tokens |W x + b - (y - r)|^2 + ridge * |W - W0|^2

for the output projection (He et al. 2017, eq. 3; Kwon et al. 2022, section 4.3, refits masks so). Since x and r come
from the cut model, a block also makes up for what the blocks before it got wrong. Before that the same least squares
makes the linears that *read* the hidden states, query, key, value and the FFN's first, give the teacher's own
activations for the units that stay, although what they read has drifted.
"""

import copy
from collections.abc import Iterable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from headshrink.importance.moments import Moments
from headshrink.model import PairBatch, SentenceEncoder, TokenBatch
from headshrink.model.encoder import pool
from headshrink.model.sites import KINDS, Kind
from headshrink.parameters.prune import DEFAULTS, Method
from headshrink.progress import track
from headshrink.pruning.plan import Plan


class BlockwisePass:
    """Hidden states of one model over the same text, moved forward block by block.

    It stops at the `stops` among the model's layers (None: all), which are counted from 0 for all that follows.
    """

    def __init__(
        self, encoder: SentenceEncoder, sides: Sequence[TokenBatch], stops: Sequence[int] | None = None
    ) -> None:
        layers: Any = encoder.backbone.encoder.layer
        self.stops = range(len(layers)) if stops is None else stops
        self.layers = [layers[stop] for stop in self.stops]
        ends = [0, *(stop + 1 for stop in self.stops)]
        self.between = [layers[end:stop] for end, stop in zip(ends, self.stops, strict=False)]
        self.masks = [side.attention_mask.to(encoder.device) for side in sides]
        self.states = [encoder.backbone.embeddings(side.input_ids.to(encoder.device)) for side in sides]

    def readers(self, layer: int, kind: Kind) -> list[nn.Linear]:
        """The linears of a block that read the hidden states."""
        if kind == "ffn":
            return [self.layers[layer].intermediate.dense]
        own = self.layers[layer].attention.self
        return [own.query, own.key, own.value]

    def inputs(self, layer: int, kind: Kind, batch: int) -> Tensor:
        """What the block's output projection gets: [sentences, tokens, units * unit_width]."""
        states = self.states[batch]
        if kind == "ffn":
            hidden: Tensor = self.layers[layer].intermediate(states)
            return hidden
        bias = (1.0 - self.masks[batch][:, None, None, :].to(states.dtype)) * torch.finfo(states.dtype).min
        attended: Tensor = self.layers[layer].attention.self(states, bias)[0]
        return attended

    def output(self, layer: int, kind: Kind) -> Any:
        """The module that ends a block: projection, residual, LayerNorm."""
        return self.layers[layer].output if kind == "ffn" else self.layers[layer].attention.output

    def pass_between(self, layer: int) -> None:
        """Move the states through the layers that are left out before one."""
        for module in self.between[layer]:
            on_the_way = copy.copy(self)  # the same states
            on_the_way.layers = [module]
            for kind in KINDS:
                on_the_way.advance(0, kind)

    def sums(self, layer: int, kind: Kind, batch: int) -> Tensor:
        """What the block's LayerNorm gets: [sentences, tokens, hidden]."""
        dense = self.output(layer, kind).dense
        written: Tensor = dense(self.inputs(layer, kind, batch)) if isinstance(dense, nn.Linear) else dense.bias
        sums: Tensor = written + self.states[batch]
        return sums

    def advance(self, layer: int, kind: Kind) -> None:
        """Move the states of all batches past a block."""
        for i in range(len(self.states)):
            self.states[i] = self.output(layer, kind).LayerNorm(self.sums(layer, kind, i))


@torch.no_grad()
def repair(
    teacher: SentenceEncoder,
    pruned: SentenceEncoder,
    plan: Plan,
    batches: Iterable[PairBatch],
    method: Method = "full",
    ridge: float = DEFAULTS.ridge,
) -> None:
    """Refit the pruned encoder in place, so that its hidden states follow the teacher's.

    `plan` says which of the teacher's layers and units the pruned encoder has; each layer follows the teacher's own,
    which has been through the layers that are gone. `method` "bias" refits the output projections' biases, "outputs"
    their weights too, "full" what reads the hidden states as well. Memory: hidden states of both models over all of the
    text (2 * tokens * hidden * 4 bytes) and one block's normal equations.
    """
    sides = [side for batch in batches for side in batch.sides]
    teacher_pass, pruned_pass = BlockwisePass(teacher, sides, plan.layers), BlockwisePass(pruned, sides)
    for layer in track(range(len(pruned_pass.layers)), "repair"):
        teacher_pass.pass_between(layer)
        for kind in KINDS:
            units = getattr(plan, kind)[teacher_pass.stops[layer]]
            if method == "full" and units:
                refit_readers(teacher_pass, pruned_pass, layer, kind, units, ridge)
            refit_output(teacher_pass, pruned_pass, layer, kind, method, ridge, plan.hidden)
            pruned_pass.advance(layer, kind)
    if plan.hidden is not None and method != "bias":
        refit_expansion(teacher, pruned, teacher_pass, pruned_pass, ridge)


def refit_readers(
    teacher_pass: BlockwisePass, pruned_pass: BlockwisePass, layer: int, kind: Kind, units: list[int], ridge: float
) -> None:
    """Make a block's readers give the activations that the teacher's give from its own hidden states."""
    whole, cut = teacher_pass.readers(layer, kind), pruned_pass.readers(layer, kind)
    width = cut[0].out_features // len(units)
    rows = (torch.tensor(units)[:, None] * width + torch.arange(width)).flatten().to(pruned_pass.masks[0].device)
    weight, bias = (torch.cat([getattr(linear, part)[rows] for linear in whole]) for part in ("weight", "bias"))
    start = torch.cat([linear.weight for linear in cut])
    fit = moments_of(start)
    for states, whole_states, mask in zip(pruned_pass.states, teacher_pass.states, pruned_pass.masks, strict=True):
        goal = nn.functional.linear(whole_states, weight, bias)
        fit.add(states.flatten(0, 1), goal.flatten(0, 1), mask.flatten())
    fitted = [part.chunk(len(cut)) for part in fit.fit(start, ridge)]
    for linear, new_weight, new_bias in zip(cut, *fitted, strict=True):
        linear.weight.copy_(new_weight)
        linear.bias.copy_(new_bias)


def refit_output(
    teacher_pass: BlockwisePass,
    pruned_pass: BlockwisePass,
    layer: int,
    kind: Kind,
    method: Method,
    ridge: float,
    hidden: list[int] | None = None,
) -> None:
    """Refit one block's output projection from the states just before it, and move the teacher past the block.

    `hidden` are the teacher's dimensions that the pruned model has, None for all.
    """
    dimensions = slice(None) if hidden is None else torch.tensor(hidden, device=pruned_pass.masks[0].device)
    dense = pruned_pass.output(layer, kind).dense
    whole = method != "bias" and isinstance(dense, nn.Linear)
    weight = dense.weight if whole else dense.bias.new_empty(len(dense.bias), 0)
    fit = moments_of(weight)
    for i, mask in enumerate(pruned_pass.masks):
        sums = teacher_pass.sums(layer, kind, i)
        goal = sums[..., dimensions]
        if whole:
            inputs, missing = pruned_pass.inputs(layer, kind, i), goal - pruned_pass.states[i]
        else:
            inputs, missing = goal[..., :0], goal - pruned_pass.sums(layer, kind, i) + dense.bias
        fit.add(inputs.flatten(0, 1), missing.flatten(0, 1), mask.flatten())
        teacher_pass.states[i] = teacher_pass.output(layer, kind).LayerNorm(sums)
    fitted, bias = fit.fit(weight, ridge)
    if whole:
        dense.weight.copy_(fitted)
    dense.bias.copy_(bias)


def refit_expansion(
    teacher: SentenceEncoder,
    pruned: SentenceEncoder,
    teacher_pass: BlockwisePass,
    pruned_pass: BlockwisePass,
    ridge: float,
) -> None:
    """Refit the linear that takes a narrow encoder's pooled states to the teacher's length, where it has no other."""
    linear = pruned.dense[0] if len(pruned.dense) else None
    if not isinstance(linear, nn.Linear) or len(teacher.dense) or pruned.pooling != teacher.pooling:
        return
    fit = moments_of(linear.weight)
    for i, mask in enumerate(pruned_pass.masks):
        fit.add(pool(pruned_pass.states[i], mask, pruned.pooling), pool(teacher_pass.states[i], mask, teacher.pooling))
    weight, bias = fit.fit(linear.weight, ridge)
    linear.weight.copy_(weight)
    if linear.bias is not None:
        linear.bias.copy_(bias)


def moments_of(weight: Tensor) -> Moments:
    """Of a linear's inputs and outputs, on the device of its weight [out, in]: float64 is slow on most GPUs."""
    dtype = torch.float64 if weight.device.type == "cpu" else torch.float32
    return Moments(weight.shape[1], weight.shape[0], weight.device, dtype)
