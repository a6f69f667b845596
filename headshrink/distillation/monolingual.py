"""Sentences without translation, which a student can imitate its teacher on as well: kept, found again."""

from pathlib import Path

import numpy as np

from headshrink.distillation.pairs import Pairs, Sentences
from headshrink.distillation.targets import read_targets

SPLIT = "monolingual"  # its name among the targets' splits


def write_ids(sentences: Sentences, folder: Path) -> None:
    """Keep token ids beside the targets."""
    np.save(folder / f"{SPLIT}.ids.npy", sentences.ids)
    np.save(folder / f"{SPLIT}.starts.npy", sentences.starts)


def with_stored(train: Pairs, folder: Path) -> Pairs:
    """Training pairs with the sentences that a targets folder holds, if it holds any."""
    if not (folder / f"{SPLIT}.ids.npy").is_file():
        return train
    sentences = Sentences(*(np.load(folder / f"{SPLIT}.{part}.npy") for part in ("ids", "starts")))
    return train.with_monolingual(sentences, read_targets(folder, SPLIT)[0])
