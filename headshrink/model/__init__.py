"""Sentence encoders: the pruned architecture, loading and saving folders, pooling and encoding."""

from transformers import AutoConfig, AutoModel

from headshrink.model.encoder import SentenceEncoder, pad_ids
from headshrink.model.folder import load_encoder, random_encoder, save_encoder
from headshrink.model.modeling_pruned_bert import PrunedBertConfig, PrunedBertModel

AutoConfig.register(PrunedBertConfig.model_type, PrunedBertConfig, exist_ok=True)
AutoModel.register(PrunedBertConfig, PrunedBertModel, exist_ok=True)

__all__ = [
    "PrunedBertConfig",
    "PrunedBertModel",
    "SentenceEncoder",
    "load_encoder",
    "pad_ids",
    "random_encoder",
    "save_encoder",
]
