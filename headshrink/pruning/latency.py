"""What a block of each width takes on this machine: the table behind a budget in milliseconds."""

import time
from collections.abc import Sequence
from itertools import pairwise
from statistics import median
from typing import Any

import torch

from headshrink.model import SentenceEncoder
from headshrink.model.modeling_pruned_bert import shape_layer
from headshrink.model.sites import KINDS, Kind, widths
from headshrink.pruning.cut import as_pruned_config, cut
from headshrink.pruning.plan import Plan
from headshrink.pruning.price import BlockCost, Body


class LatencyTable:
    """Milliseconds of an attention or FFN block by its width, at batch 1 and one length; linear between the widths."""

    def __init__(self, measured: dict[Kind, dict[int, float]]) -> None:
        self.measured = {kind: dict(sorted(by_units.items())) for kind, by_units in measured.items()}

    def __call__(self, kind: Kind, units: int) -> float:
        """Milliseconds of a block with so many units."""
        known = list(self.measured[kind].items())
        for (low, low_ms), (high, high_ms) in pairwise(known):
            if low <= units <= high:
                return low_ms + (high_ms - low_ms) * (units - low) / (high - low)
        raise ValueError(f"{units} {kind} are outside the measured widths {[width for width, _ in known]}")


def measure_blocks(encoder: SentenceEncoder, tokens: int = 16, points: int = 5, repeats: int = 30) -> LatencyTable:
    """Time blocks of `points` widths from none to the encoder's widest, in turn, and take medians of `repeats` rounds.

    Widths alternate within a round, so that whatever else the machine does falls on all of them alike.
    """
    most = {kind: max(widths(encoder.backbone, kind)) for kind in KINDS}
    grid: dict[Kind, list[int]] = {
        kind: sorted({round(most[kind] * i / (points - 1)) for i in range(points)}) for kind in KINDS
    }
    blocks = {(kind, units): _block(encoder, kind, units) for kind in KINDS for units in grid[kind]}
    states = torch.randn(1, tokens, encoder.backbone.config.hidden_size, device=encoder.device)
    times: dict[tuple[Kind, int], list[float]] = {key: [] for key in blocks}
    with torch.inference_mode():
        for _ in range(repeats + 1):
            for key, block in blocks.items():
                start = time.perf_counter()
                block(states)
                times[key].append((time.perf_counter() - start) * 1e3)
    return LatencyTable({kind: {units: median(times[kind, units][1:]) for units in grid[kind]} for kind in KINDS})


def _block(encoder: SentenceEncoder, kind: Kind, units: int) -> Any:
    """One block of a width, as a function of hidden states."""
    from transformers.models.bert.modeling_bert import BertLayer

    config = as_pruned_config(encoder)
    heads, config.num_attention_heads = config.num_attention_heads, 1
    config._attn_implementation = encoder.backbone.config._attn_implementation
    layer = BertLayer(config, layer_idx=0).eval()
    config.num_attention_heads = heads
    shape_layer(layer, config, units if kind == "heads" else 0, units if kind == "ffn" else 0)
    layer.to(encoder.device)
    if kind == "heads":
        return lambda states: layer.attention(states)
    return lambda states: layer.feed_forward_chunk(states)


class Timed:
    """Milliseconds at batch 1 of sentences of `tokens` tokens, on this machine and its present number of threads.

    What blocks take beyond empty ones is scaled so that all of them together make up the difference between the encoder
    and the same without heads and neurons: alone and repeated, a block finds its weights in the cache, where inside an
    encoder it does not. Measured at the encoder's own hidden width: other bodies differ in their table alone, which
    costs no time.
    """

    rest: float  # without heads and neurons

    def __init__(self, encoder: SentenceEncoder, tokens: int = 16, repeats: int = 30) -> None:
        empty: list[list[int]] = [[] for _ in encoder.backbone.encoder.layer]
        times = in_turns((encoder, cut(encoder, Plan(empty, empty))), tokens, repeats)
        whole, self.rest = (median(each) for each in zip(*times, strict=True))
        alone = measure_blocks(encoder, tokens, repeats=repeats)
        there = [(kind, units) for kind in KINDS for units in widths(encoder.backbone, kind)]
        scale = max(0.0, whole - self.rest) / max(1e-6, sum(alone(*block) - alone(block[0], 0) for block in there))
        self.table = LatencyTable(
            {
                kind: {units: scale * (ms - by_units[0]) for units, ms in by_units.items()}
                for kind, by_units in alone.measured.items()
            }
        )

    def fixed(self, body: Body) -> float:
        return self.rest

    def block(self, body: Body) -> BlockCost:
        return self.table


def in_turns(encoders: Sequence[SentenceEncoder], tokens: int, repeats: int) -> list[list[float]]:
    """Milliseconds at batch 1 of every encoder in every round, the first rounds left out."""
    ids = torch.full((1, tokens), 5, device=encoders[0].device)
    mask = torch.ones_like(ids)
    rounds = []
    with torch.inference_mode():
        for _ in range(repeats + 3):
            moments = [time.perf_counter()]
            for one in encoders:
                one(ids.clamp(max=one.backbone.config.vocab_size - 1), mask)
                moments.append(time.perf_counter())
            rounds.append([(after - before) * 1e3 for before, after in pairwise(moments)])
    return rounds[3:]


def latency_ratio(encoder: SentenceEncoder, whole: SentenceEncoder, tokens: int = 16, repeats: int = 30) -> float:
    """Median over rounds of one encoder's time at batch 1 to another's, the two in turns."""
    return median(own / other for own, other in in_turns((encoder, whole), tokens, repeats))
