"""Imitation of the translation logits: TinyBERT's prediction loss (Jiao et al. 2020, equation 10) for encoders."""

from torch import Tensor
from torch.nn.functional import kl_div, log_softmax, normalize

from headshrink.distillation.losses._base import Need, Outputs, needs

TEMPERATURE = 0.05  # that of the ranking loss: these are its logits


@needs(Need.EMBEDDINGS, Need.WHOLE_BATCH)
def prediction(student: Outputs, teacher: Outputs) -> Tensor:
    """KL(teacher || student) of each sentence's softmax over the batch's translations, both ways.

    A sentence encoder has no classes; what it predicts is the translation, and its logits are the cosines of the other
    side. Soft cross-entropy less the teacher's own entropy, so that it is zero at the teacher.
    """
    ours, theirs = (normalize(x.en, dim=-1) @ normalize(x.ru, dim=-1).T / TEMPERATURE for x in (student, teacher))
    ways = [(ours, theirs), (ours.T, theirs.T)]
    losses = [
        kl_div(log_softmax(a, -1), log_softmax(b, -1), log_target=True, reduction="sum") / len(a) for a, b in ways
    ]
    return (losses[0] + losses[1]) / 2
