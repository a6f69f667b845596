"""What each head and FFN neuron is worth: gates, criteria, losses, scores."""

from headshrink.importance.accumulate import score, score_by
from headshrink.importance.batches import PairBatch, pair_batches
from headshrink.importance.scores import Scores, load_scores, save_scores

__all__ = ["PairBatch", "Scores", "load_scores", "pair_batches", "save_scores", "score", "score_by"]
