"""Where a BERT can be cut: the output projection of every attention and FFN block, and the units that feed it."""

from dataclasses import dataclass
from typing import Any, Literal

from torch import nn
from transformers import BertModel

Kind = Literal["heads", "ffn"]
KINDS: tuple[Kind, ...] = ("heads", "ffn")


@dataclass(frozen=True)
class Site:
    """One block's output: `dense` mixes the units, `norm` takes their sum with the residual.

    A unit is a head (`unit_width` = head size inputs of the projection) or an FFN neuron (one input). An emptied block
    has no units, and of its `dense` only the bias is left.
    """

    kind: Kind
    layer: int
    dense: nn.Linear
    norm: nn.LayerNorm
    units: int
    unit_width: int


def sites(backbone: BertModel) -> list[Site]:
    """Every site in the order of computation: attention and FFN of layer 0, of layer 1, and so on."""
    found = []
    layer: Any
    for i, layer in enumerate(backbone.encoder.layer):
        heads = getattr(layer.attention.self, "num_attention_heads", 0)
        head_size = layer.attention.self.attention_head_size if heads else 0
        found.append(Site("heads", i, layer.attention.output.dense, layer.attention.output.LayerNorm, heads, head_size))
        neurons = layer.output.dense.in_features if isinstance(layer.output.dense, nn.Linear) else 0
        found.append(Site("ffn", i, layer.output.dense, layer.output.LayerNorm, neurons, 1))
    return found


def widths(backbone: BertModel, kind: Kind) -> list[int]:
    """Units of one kind in each layer."""
    return [site.units for site in sites(backbone) if site.kind == kind]
