"""Losses whose gradients score the gates, by name, one file each; the file's name is the loss's."""

from headshrink.importance.losses._base import ScoringLoss
from headshrink.importance.losses.similarity import similarity_loss
from headshrink.importance.losses.teacher_distance import projected_embedding
from headshrink.importance.losses.translation_ranking import ranking_loss

SCORING_LOSSES: dict[str, ScoringLoss] = {
    "similarity": similarity_loss,
    "teacher_distance": projected_embedding,
    "translation_ranking": ranking_loss,
}
