"""Masked-language-model cross-entropy (Devlin et al. 2019), one of DistilBERT's three losses (Sanh et al. 2019)."""

from torch import Tensor
from torch.nn.functional import cross_entropy

from headshrink.distillation.losses._base import Need, Outputs, needs
from headshrink.distillation.losses._masked_tokens import masked_logits_of, mean_over_masked


@needs(Need.MASKED_LOGITS)
def mlm(student: Outputs, teacher: Outputs) -> Tensor:
    """Mean over the masked tokens of -log of the probability that the student gives to the token that was masked.

    The student's logits come from the teacher's MLM head and token embeddings; the teacher itself computes nothing.
    """
    ours = masked_logits_of(student)
    return mean_over_masked(cross_entropy(ours.logits, ours.tokens, reduction="none"))
