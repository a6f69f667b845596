"""How often each id occurs in text that is token ids already."""

from collections.abc import Iterable, Sequence

import numpy as np
import torch
from torch import Tensor


def count_tokens(rows: Iterable[Sequence[int] | np.ndarray], vocabulary: int) -> Tensor:
    """How often each id occurs in rows of token ids: int64 [vocabulary].

    >>> count_tokens([[0, 2], [2]], vocabulary=4).tolist()
    [1, 0, 2, 0]
    """
    counts = np.zeros(vocabulary, dtype=np.int64)
    for row in rows:
        np.add.at(counts, np.asarray(row, dtype=np.int64), 1)
    return torch.from_numpy(counts)
