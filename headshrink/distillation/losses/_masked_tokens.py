"""What losses on masked tokens share."""

from torch import Tensor

from headshrink.distillation.losses._base import MaskedLogits, Outputs


def masked_logits_of(outputs: Outputs) -> MaskedLogits:
    """The logits that the objective collects for a loss that needs them."""
    if outputs.masked_logits is None:
        raise RuntimeError("the loss reads masked logits and does not declare Need.MASKED_LOGITS")
    return outputs.masked_logits


def mean_over_masked(values: Tensor) -> Tensor:
    """Mean of values [masked]; zero where a batch has no masked token."""
    return values.sum() / max(1, len(values))
