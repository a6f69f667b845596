"""Distillation losses by name, one file each. A recipe is a weighted sum of any of them.

Each loss declares what it needs (`Need`): embeddings, which the teacher may have stored; translations; the whole batch;
layers, for which the teacher runs beside the student; logits at masked tokens, for which it also needs an MLM head.
"""

from headshrink.distillation.losses._base import Loss, MaskedLogits, Need, Outputs, needs
from headshrink.distillation.losses.attention_maps import attention_maps
from headshrink.distillation.losses.attention_scores import attention_scores
from headshrink.distillation.losses.cosine import cosine
from headshrink.distillation.losses.crosslingual import crosslingual
from headshrink.distillation.losses.embedding import embedding
from headshrink.distillation.losses.hidden import hidden
from headshrink.distillation.losses.hidden_cosine import hidden_cosine
from headshrink.distillation.losses.minilm_attention import minilm_attention
from headshrink.distillation.losses.minilm_values import minilm_values
from headshrink.distillation.losses.mlm import mlm
from headshrink.distillation.losses.mse import mse
from headshrink.distillation.losses.pkd import pkd
from headshrink.distillation.losses.prediction import prediction
from headshrink.distillation.losses.ranking import ranking
from headshrink.distillation.losses.relational import relational
from headshrink.distillation.losses.similarity import similarity
from headshrink.distillation.losses.soft_targets import soft_targets

LOSSES: dict[str, Loss] = {
    "attention_maps": attention_maps,
    "attention_scores": attention_scores,
    "cosine": cosine,
    "crosslingual": crosslingual,
    "embedding": embedding,
    "hidden": hidden,
    "hidden_cosine": hidden_cosine,
    "minilm_attention": minilm_attention,
    "minilm_values": minilm_values,
    "mlm": mlm,
    "mse": mse,
    "pkd": pkd,
    "prediction": prediction,
    "ranking": ranking,
    "relational": relational,
    "similarity": similarity,
    "soft_targets": soft_targets,
}

# What stored targets are enough for.
ON_EMBEDDINGS = frozenset({Need.EMBEDDINGS, Need.TRANSLATIONS, Need.WHOLE_BATCH, Need.QUEUE})

__all__ = ["LOSSES", "ON_EMBEDDINGS", "Loss", "MaskedLogits", "Need", "Outputs", "needs"]
