"""Imitation of the last hidden states by direction (DistilBERT, Sanh et al. 2019, section 3)."""

from torch import Tensor
from torch.nn.functional import cosine_similarity

from headshrink.distillation.losses._base import Need, Outputs, needs
from headshrink.distillation.losses._tokens import layers_of, mean_over_tokens


@needs(Need.LAYERS)
def hidden_cosine(student: Outputs, teacher: Outputs) -> Tensor:
    """Mean over real tokens of 1 - cos between the states of the student's last layer and of the one mapped to it."""
    ours, theirs = layers_of(student), layers_of(teacher)
    return mean_over_tokens(1 - cosine_similarity(ours.hidden[-1], theirs.hidden[-1], dim=-1), ours.mask)
