"""Sentence encoders: the pruned architecture, loading and saving folders, pooling and encoding."""

from transformers import AutoConfig, AutoModel

from headshrink.model.batch import PairBatch, TokenBatch
from headshrink.model.device import best_device
from headshrink.model.encoder import SentenceEncoder
from headshrink.model.folder import load_encoder, random_encoder
from headshrink.model.modeling_bilstm import BiLstmConfig, BiLstmModel
from headshrink.model.modeling_pruned_bert import PrunedBertConfig, PrunedBertModel
from headshrink.model.saving import save_encoder

for model in (PrunedBertModel, BiLstmModel):
    AutoConfig.register(model.config_class.model_type, model.config_class, exist_ok=True)
    AutoModel.register(model.config_class, model, exist_ok=True)

__all__ = [
    "BiLstmConfig",
    "BiLstmModel",
    "PairBatch",
    "PrunedBertConfig",
    "PrunedBertModel",
    "SentenceEncoder",
    "TokenBatch",
    "best_device",
    "load_encoder",
    "random_encoder",
    "save_encoder",
]
