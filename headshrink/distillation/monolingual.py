"""Sentences without translation, which a student can imitate its teacher on as well: kept, found again."""

from pathlib import Path

import numpy as np

from headshrink.distillation.table import SentenceTable, Tokens
from headshrink.distillation.targets import stored_targets

SPLIT = "monolingual"  # its name among the targets' splits


def write_ids(tokens: Tokens, folder: Path) -> None:
    """Keep token ids beside the targets."""
    np.save(folder / f"{SPLIT}.ids.npy", np.concatenate(list(tokens.blocks())))
    np.save(folder / f"{SPLIT}.starts.npy", np.cumsum([0, *tokens.lengths], dtype=np.int64))


def with_stored(train: SentenceTable, folder: Path) -> SentenceTable:
    """Training sentences with those that a targets folder holds, if it holds any."""
    if not (folder / f"{SPLIT}.ids.npy").is_file():
        return train
    ids, starts = (np.load(folder / f"{SPLIT}.{part}.npy", mmap_mode="r") for part in ("ids", "starts"))
    return train.with_single(Tokens([(ids, starts)]), [stored_targets(folder, SPLIT)])
