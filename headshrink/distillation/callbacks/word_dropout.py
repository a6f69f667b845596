"""Word dropout: the student reads [MASK] in place of some tokens; its target stays that of the whole sentence."""

from typing import TYPE_CHECKING

from torch import Tensor

from headshrink.distillation.callbacks._base import Callback
from headshrink.distillation.masking import with_masks

if TYPE_CHECKING:
    from headshrink.distillation.trainer import Trainer


class WordDropout(Callback):
    """Mask each token, special tokens apart, with probability `share`."""

    def __init__(self, share: float) -> None:
        self.share = share

    def student_ids(self, trainer: "Trainer", input_ids: Tensor) -> Tensor:
        return with_masks(input_ids, self.share, trainer.student.tokenizer)
