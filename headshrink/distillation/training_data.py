"""What a student learns from: sentences with targets, and the teacher where a loss compares more than embeddings."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from headshrink.data.table import SentenceTable
from headshrink.model import SentenceEncoder
from headshrink.model.mlm_head import MlmHead


@dataclass(frozen=True)
class Reference:
    """The teacher beside its stored embeddings.

    Losses on layers need `teacher`; losses on masked tokens need its `mlm_head` too. `extra_dimensions` are the
    embedding sizes of further teachers: their targets follow the first teacher's in the same row.
    """

    teacher: SentenceEncoder | None = None
    mlm_head: MlmHead | None = None
    extra_dimensions: Sequence[int] = ()


@dataclass(frozen=True)
class TrainingData:
    """Training sentences, the held-out pairs that choose the checkpoint, and the reference that losses may need."""

    train: SentenceTable
    heldout: SentenceTable
    reference: Reference = field(default_factory=Reference)
