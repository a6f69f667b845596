"""Pieces behind [MASK]: for a student that does without them, and for one that has to guess them.

All is drawn by torch's generator on the CPU, whatever the device, so that a resumed training draws what it would have.
"""

import torch
from torch import Tensor
from transformers import PreTrainedTokenizerBase

from headshrink.errors import HeadshrinkError

GUESSED = 0.15  # share of a sentence's pieces; of them:
BEHIND_MASK, ANOTHER = 0.8, 0.1


def with_masks(input_ids: Tensor, share: float, tokenizer: PreTrainedTokenizerBase) -> Tensor:
    """Ids [rows, tokens] with a share of the pieces behind [MASK]; special tokens stay.

    The target is that of the whole sentence: a student that has to do without a word now and then leans on no single
    one. Raises HeadshrinkError for a tokenizer without a mask.
    """
    drawn = torch.rand(input_ids.shape).to(input_ids.device) < share
    return input_ids.masked_fill(drawn & words(input_ids, tokenizer), mask_id(tokenizer))


def masked(input_ids: Tensor, tokenizer: PreTrainedTokenizerBase) -> tuple[Tensor, Tensor]:
    """Ids [rows, tokens] as a masked language model reads them, and where it has to guess, bool of the same shape.

    BERT's recipe (Devlin et al. 2019, appendix A.1): 15% of each sentence's pieces, at least one; of those, 80% are
    read as [MASK], 10% as a piece drawn from the vocabulary and 10% as they are, since [MASK] itself never occurs in
    text. Special tokens stay. Raises HeadshrinkError for a tokenizer without a mask.
    """
    device, free = input_ids.device, words(input_ids, tokenizer)
    rank = torch.rand(input_ids.shape).to(device).masked_fill(~free, 2.0).argsort(1).argsort(1)
    guessed = free & (rank < (GUESSED * free.sum(1, keepdim=True)).round().clamp(min=1))
    how = torch.rand(input_ids.shape).to(device)
    another = torch.randint(len(tokenizer), input_ids.shape).to(device)
    read = input_ids.masked_fill(guessed & (how < BEHIND_MASK), mask_id(tokenizer))
    return torch.where(guessed & (how >= 1 - ANOTHER), another, read), guessed


def words(input_ids: Tensor, tokenizer: PreTrainedTokenizerBase) -> Tensor:
    """Where ids are neither padding nor another special token."""
    return ~torch.isin(input_ids, torch.tensor(tokenizer.all_special_ids, device=input_ids.device))


def mask_id(tokenizer: PreTrainedTokenizerBase) -> int:
    """The id of [MASK]."""
    mask = tokenizer.mask_token_id
    if not isinstance(mask, int):
        raise HeadshrinkError("word_dropout, mlm and soft_targets need [MASK]: this tokenizer has none; leave them out")
    return mask
