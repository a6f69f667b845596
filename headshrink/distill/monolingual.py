"""Sentences without translation, which a student can imitate its teacher on as well: read, kept, found again."""

from pathlib import Path

import numpy as np

from headshrink.distill.pairs import Pairs, Sentences
from headshrink.distill.targets import read_targets
from headshrink.errors import HeadshrinkError

SPLIT = "monolingual"  # its name among the targets' splits


def read_folder(folder: Path) -> list[str]:
    """The distinct lines of a folder's .txt files; HeadshrinkError where there are none or they are not UTF-8."""
    try:
        files = [file.read_text(encoding="utf-8") for file in sorted(folder.glob("*.txt"))]
    except (OSError, UnicodeDecodeError) as error:
        raise HeadshrinkError(f"cannot read {folder} ({error}): a folder of UTF-8 .txt files is needed") from error
    sentences = list(dict.fromkeys(line.strip() for text in files for line in text.splitlines() if line.strip()))
    if not sentences:
        raise HeadshrinkError(f"no sentence in {folder}: a folder of UTF-8 .txt files is needed, a sentence a line")
    return sentences


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
