"""Imitation of the teacher's distribution over tokens at [MASK] (DistilBERT, Sanh et al. 2019, section 2)."""

from torch import Tensor
from torch.nn.functional import kl_div, log_softmax

from headshrink.distillation.losses._base import Need, Outputs, needs
from headshrink.distillation.losses._masked_tokens import masked_logits_of, mean_over_masked

TEMPERATURE = 2.0  # of DistilBERT's released recipe


@needs(Need.MASKED_LOGITS, Need.TEACHER_MASKED_LOGITS)
def soft_targets(student: Outputs, teacher: Outputs) -> Tensor:
    """KL(teacher || student) over the vocabulary at a temperature, mean over the masked tokens.

    Times the temperature squared, so that gradients keep their size whatever it is (Hinton et al. 2015, section 2). At
    masked tokens alone (`restrict_ce_to_mask` in DistilBERT's code): elsewhere both models read the token itself, and
    logits of a whole batch over a large vocabulary would take gigabytes.
    """
    ours, theirs = (log_softmax(masked_logits_of(side).logits / TEMPERATURE, dim=-1) for side in (student, teacher))
    divergence = kl_div(ours, theirs, log_target=True, reduction="none").sum(-1)
    return TEMPERATURE**2 * mean_over_masked(divergence)
