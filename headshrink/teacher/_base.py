"""What a source of teachers gives."""

from dataclasses import dataclass
from pathlib import Path

from headshrink.model import SentenceEncoder


@dataclass(frozen=True)
class Teacher:
    """A model to compress, and where it came from.

    `label` is the name that reports print. `folder` holds the files that it was read from: a licence and an MLM head
    are taken from there; None where there are none. `revision` is the hub's commit.
    """

    encoder: SentenceEncoder
    label: str
    folder: Path | None = None
    revision: str | None = None
