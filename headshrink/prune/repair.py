"""Repair without training: refit what is left of a cut model by least squares, one block after the other.

After a cut, the output projection of every attention and FFN block is refitted in layer order by

    min over W, b of  sum over tokens |W x + b - (y - r)|^2 + ridge * |W - W0|^2

x and r being the already cut and repaired model's activations and residual at that block, y the teacher's sum before
the LayerNorm, and W0 the weights as cut (He et al. 2017, eq. 3; Kwon et al. 2022, section 4.3, refits masks so).
Since x and r come from the cut model, a block also makes up for what the blocks before it got wrong.
"""

from collections.abc import Iterable, Sequence
from typing import Any, Literal

import torch
from torch import Tensor, nn

from headshrink.importance.batches import PairBatch, Side
from headshrink.importance.moments import Moments
from headshrink.model import SentenceEncoder
from headshrink.model.sites import Kind
from headshrink.progress import track

Method = Literal["full", "bias"]


class Walk:
    """Hidden states of one model over the same text, moved forward block by block."""

    def __init__(self, encoder: SentenceEncoder, sides: Sequence[Side]) -> None:
        self.layers: Any = encoder.backbone.encoder.layer
        self.masks = [side.attention_mask.to(encoder.device) for side in sides]
        self.states = [encoder.backbone.embeddings(side.input_ids.to(encoder.device)) for side in sides]

    def inputs(self, layer: int, kind: Kind, batch: int) -> Tensor:
        """What the block's output projection gets: [sentences, tokens, units * unit_width]."""
        states = self.states[batch]
        if kind == "ffn":
            return self.layers[layer].intermediate(states)
        bias = (1.0 - self.masks[batch][:, None, None, :].to(states.dtype)) * torch.finfo(states.dtype).min
        return self.layers[layer].attention.self(states, bias)[0]

    def output(self, layer: int, kind: Kind) -> Any:
        """The module that ends a block: projection, residual, LayerNorm."""
        return self.layers[layer].output if kind == "ffn" else self.layers[layer].attention.output

    def advance(self, layer: int, kind: Kind) -> None:
        """Move the states of all batches past a block."""
        for i in range(len(self.states)):
            self.states[i] = self.output(layer, kind)(self.inputs(layer, kind, i), self.states[i])


@torch.no_grad()
def repair(
    teacher: SentenceEncoder,
    pruned: SentenceEncoder,
    batches: Iterable[PairBatch],
    method: Method = "full",
    ridge: float = 1e-3,
) -> None:
    """Refit the pruned encoder's output projections in place, so that its hidden states follow the teacher's.

    `method` "bias" refits the biases alone. Memory: hidden states of both models over all of the text
    (2 * tokens * hidden * 4 bytes) and one block's normal equations.
    """
    sides = [side for batch in batches for side in (batch.en, batch.ru)]
    theirs, ours = Walk(teacher, sides), Walk(pruned, sides)
    for layer in track(range(len(ours.layers)), "repair"):
        kind: Kind
        for kind in ("heads", "ffn"):
            refit(theirs, ours, layer, kind, method, ridge)
            theirs.advance(layer, kind)
            ours.advance(layer, kind)


def refit(theirs: Walk, ours: Walk, layer: int, kind: Kind, method: Method, ridge: float) -> None:
    """Refit one block's output projection from the states just before it."""
    dense = ours.output(layer, kind).dense
    weight = (
        dense.weight if method == "full" and isinstance(dense, nn.Linear) else dense.bias.new_empty(len(dense.bias), 0)
    )
    fit = Moments(weight.shape[1], weight.shape[0], weight.device)
    for i, mask in enumerate(ours.masks):
        kept = mask.bool()
        goal = theirs.output(layer, kind).dense(theirs.inputs(layer, kind, i)) + theirs.states[i]
        inputs, target = ours.inputs(layer, kind, i)[kept], (goal - ours.states[i])[kept]
        if method == "bias" and isinstance(dense, nn.Linear):
            target = target - inputs @ dense.weight.T
        fit.add(inputs[:, : weight.shape[1]], target)
    fitted, bias = fit.fit(weight, ridge)
    if weight.shape[1]:
        dense.weight.copy_(fitted)
    dense.bias.copy_(bias)
