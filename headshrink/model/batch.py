"""Padded token ids: what a model reads in one pass."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from headshrink.padding import padded


@dataclass(frozen=True)
class TokenBatch:
    """Sentences as padded ids with their 0/1 mask, both int64 [sentences, tokens]."""

    input_ids: Tensor
    attention_mask: Tensor

    @classmethod
    def from_rows(cls, rows: Sequence[Sequence[int] | np.ndarray], pad_id: int) -> "TokenBatch":
        """From one row of ids per sentence, padded to the longest."""
        ids, mask = padded(rows, pad_id)
        return cls(torch.from_numpy(ids), torch.from_numpy(mask))

    def to(self, device: torch.device) -> "TokenBatch":
        return TokenBatch(self.input_ids.to(device), self.attention_mask.to(device))

    def __len__(self) -> int:
        return len(self.input_ids)


@dataclass(frozen=True)
class PairBatch:
    """Row i of `en` translates row i of `ru`. Each side is padded to its own longest sentence."""

    en: TokenBatch
    ru: TokenBatch

    @property
    def sides(self) -> tuple[TokenBatch, TokenBatch]:
        return self.en, self.ru

    def __len__(self) -> int:
        return len(self.en)
