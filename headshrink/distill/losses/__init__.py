"""Distillation losses by name, one file each. A recipe is a weighted sum of any of them.

LOSSES compare embeddings, and the teacher's may wait on disk. LAYER_LOSSES compare what happens inside, token by
token, and need the teacher beside the student. WORD_LOSSES compare guesses of words behind [MASK], and need the
teacher's MLM head as well.
"""

from headshrink.distill.losses._base import Guesses, Loss, Outputs
from headshrink.distill.losses.attention_maps import attention_maps
from headshrink.distill.losses.attention_scores import attention_scores
from headshrink.distill.losses.cosine import cosine
from headshrink.distill.losses.crosslingual import crosslingual
from headshrink.distill.losses.embedding import embedding
from headshrink.distill.losses.hidden import hidden
from headshrink.distill.losses.hidden_cosine import hidden_cosine
from headshrink.distill.losses.minilm_attention import minilm_attention
from headshrink.distill.losses.minilm_values import minilm_values
from headshrink.distill.losses.mlm import mlm
from headshrink.distill.losses.mse import mse
from headshrink.distill.losses.pkd import pkd
from headshrink.distill.losses.prediction import prediction
from headshrink.distill.losses.ranking import ranking
from headshrink.distill.losses.relational import relational
from headshrink.distill.losses.similarity import similarity
from headshrink.distill.losses.soft_targets import soft_targets

LOSSES: dict[str, Loss] = {
    "cosine": cosine,
    "crosslingual": crosslingual,
    "mse": mse,
    "prediction": prediction,
    "ranking": ranking,
    "relational": relational,
    "similarity": similarity,
}

LAYER_LOSSES: dict[str, Loss] = {
    "attention_maps": attention_maps,
    "attention_scores": attention_scores,
    "embedding": embedding,
    "hidden": hidden,
    "hidden_cosine": hidden_cosine,
    "minilm_attention": minilm_attention,
    "minilm_values": minilm_values,
    "pkd": pkd,
}

WORD_LOSSES: dict[str, Loss] = {
    "mlm": mlm,
    "soft_targets": soft_targets,
}

ALL_LOSSES = LOSSES | LAYER_LOSSES | WORD_LOSSES

OF_TRANSLATIONS = {"crosslingual", "ranking", "similarity"}  # those that compare a sentence with its translation
OF_TWO_GUESSES = {"soft_targets"}  # those that need the teacher's guesses beside the student's

__all__ = [
    "ALL_LOSSES",
    "LAYER_LOSSES",
    "LOSSES",
    "OF_TRANSLATIONS",
    "OF_TWO_GUESSES",
    "WORD_LOSSES",
    "Guesses",
    "Loss",
    "Outputs",
]
