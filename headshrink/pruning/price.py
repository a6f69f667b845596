"""What an encoder of a given shape costs in parameters, bytes or FLOPs, before it is cut."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, Protocol

from torch import nn

from headshrink.model import SentenceEncoder
from headshrink.model.sites import Kind, sites

Measure = Literal["parameters", "bytes", "flops", "ms"]
BlockCost = Callable[[Kind, int], float]
"""(kind, units) -> what one block costs with so many units."""

BYTES_PER_PARAMETER = 4  # fp32


@dataclass(frozen=True)
class Body:
    """What blocks share: tokens in the vocabulary, rank of the embedding table (None: a dense one), hidden width.

    `loss` is what the choice is put at, in the scores' unit.
    """

    vocabulary: int
    rank: int | None
    hidden: int
    loss: float = 0.0


class Price(Protocol):
    """Prices of one measure."""

    def fixed(self, body: Body) -> float:
        """What is paid whatever is cut of the blocks."""

    def block(self, body: Body) -> BlockCost:
        """What blocks cost around a body."""


def body_of(encoder: SentenceEncoder) -> Body:
    """The body that an encoder has."""
    config = encoder.backbone.config
    return Body(config.vocab_size, getattr(config, "embedding_rank", None), config.hidden_size)


class Counted:
    """Parameters, fp32 bytes, or FLOPs for one sentence of `tokens` tokens.

    FLOPs count a multiplication and an addition as two, in the linear layers and in the two products of attention;
    lookups, LayerNorms and activations are not counted.
    """

    def __init__(
        self, encoder: SentenceEncoder, measure: Literal["parameters", "bytes", "flops"], tokens: int = 32
    ) -> None:
        self.encoder, self.measure, self.tokens = encoder, measure, tokens
        self.head_size = max(site.unit_width for site in sites(encoder.backbone) if site.kind == "heads")

    def fixed(self, body: Body) -> float:
        if self.measure == "flops":
            return float(self._fixed_flops(body))
        return float(self._fixed_parameters(body) * (BYTES_PER_PARAMETER if self.measure == "bytes" else 1))

    def block(self, body: Body) -> BlockCost:
        weights = {"heads": self.head_size * (4 * body.hidden + 3), "ffn": 2 * body.hidden + 1}
        flops = {
            "heads": 2 * self.tokens * self.head_size * 4 * body.hidden + 4 * self.tokens**2 * self.head_size,
            "ffn": 2 * self.tokens * 2 * body.hidden,
        }
        each = flops if self.measure == "flops" else weights
        factor = BYTES_PER_PARAMETER if self.measure == "bytes" else 1
        return lambda kind, units: float(factor * each[kind] * units)

    def _fixed_parameters(self, body: Body) -> int:
        config, hidden = self.encoder.backbone.config, body.hidden
        table = body.vocabulary * (body.rank or hidden) + (body.rank * hidden if body.rank else 0)
        places = (config.max_position_embeddings + config.type_vocab_size) * hidden
        layers = len(self.encoder.backbone.encoder.layer) * 6 * hidden  # two output biases, two LayerNorms
        pooler = hidden * (hidden + 1) if self._has_pooler(hidden) else 0
        return table + places + 2 * hidden + layers + pooler + self._dense_parameters(hidden)

    def _has_pooler(self, hidden: int) -> bool:
        """Whether a model of that hidden width keeps a pooler: one that makes the embedding becomes a dense layer."""
        narrow = hidden < self.encoder.backbone.config.hidden_size
        return self.encoder.backbone.pooler is not None and not (narrow and self.encoder.pooler is not None)

    def _dense_parameters(self, hidden: int) -> int:
        whole = self.encoder.backbone.config.hidden_size
        dense = self.encoder.dense
        weights = sum(weight.numel() for weight in dense.parameters())
        if self.encoder.pooler is None and len(dense) and isinstance(dense[0], nn.Linear):
            return weights - dense[0].out_features * (whole - hidden)
        return weights + ((hidden + 1) * whole if hidden < whole else 0)  # the map back to the teacher's length

    def _fixed_flops(self, body: Body) -> int:
        """The product that makes embeddings of a factorised table; pooler and dense layers, once a sentence."""
        pooler = body.hidden**2 if self._has_pooler(body.hidden) else 0
        return 2 * (self.tokens * (body.rank or 0) * body.hidden + pooler + self._dense_parameters(body.hidden))
