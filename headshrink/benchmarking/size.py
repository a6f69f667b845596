"""What a model costs whatever the machine: parameters, bytes, floating-point operations."""

from collections.abc import Iterable
from pathlib import Path

from torch import nn
from transformers.models.bert.modeling_bert import BertSelfAttention

from headshrink.model import SentenceEncoder

FLOP_TOKENS = (8, 32, 128)


def parameters(encoder: SentenceEncoder) -> dict[str, int]:
    """Parameters in all, in the embedding tables (words, positions, types) and in the body above them.

    Apart, because a cut of heads and neurons leaves the tables alone, and they may be most of a small model.
    """
    total = sum(parameter.numel() for parameter in encoder.parameters())
    tables = sum(parameter.numel() for parameter in encoder.backbone.embeddings.parameters())
    return {"parameters": total, "embedding_parameters": tables, "body_parameters": total - tables}


def flops(encoder: SentenceEncoder, tokens: int) -> int:
    """Floating-point operations of one text of so many tokens, a multiply-add counted as two.

    Matrix products alone: the linear layers (2 in out per token; the pooling's dense layers and the pooler once a
    text) and the two products of attention (2 tokens^2 width each). Softmax, norms and activations are left out, as
    is usual; they are under 2% at BERT's widths.
    """
    backbone = encoder.backbone
    layers = list(backbone.encoder.layer) or [backbone.encoder]  # one that stands in several places runs in each
    per_token = sum(linear_flops(part) for part in (backbone.embeddings, *layers))
    per_text = linear_flops(encoder.dense) + (linear_flops(backbone.pooler) if backbone.pooler is not None else 0)
    attention = [module for layer in backbone.encoder.layer for module in layer.modules()]
    widths: int = sum(module.all_head_size for module in attention if isinstance(module, BertSelfAttention))
    return tokens * per_token + per_text + 4 * tokens * tokens * widths


def linear_flops(module: nn.Module) -> int:
    """Operations of all linear and LSTM layers below a module, for one input row: two a weight."""
    parts = (part for part in module.modules() if isinstance(part, nn.Linear | nn.LSTM))
    return sum(2 * weight.numel() for part in parts for weight in part.parameters() if weight.ndim > 1)


def of_encoder(encoder: SentenceEncoder) -> dict[str, float]:
    """Parameters and giga-operations a text, under their names in cost.json."""
    counted = {f"flops_g_{tokens}tokens": flops(encoder, tokens) / 1e9 for tokens in FLOP_TOKENS}
    return {**parameters(encoder), **counted}


def of_weights(files: Iterable[Path]) -> dict[str, float]:
    """Megabytes (10^6 bytes) of a model's weights on disk."""
    return {"weights_mb": sum(path.stat().st_size for path in files) / 1e6}
