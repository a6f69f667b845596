"""What a student may be made from, and its shape."""

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor

from headshrink.model import PairBatch, SentenceEncoder
from headshrink.parameters.distill import DEFAULTS
from headshrink.pruning.embedding import factorise


@dataclass(frozen=True)
class Origin:
    """What students are made from: the teacher, the model cut from it, and the training text.

    `pruned` is None where the kind does not use it. `counts` [vocabulary] says how often each of the teacher's tokens
    occurs in the text; `text` gives batches of at most so many pairs of it, drawn by a seed.
    """

    teacher: SentenceEncoder
    pruned: SentenceEncoder | None
    counts: Tensor
    text: Callable[[int, int], list[PairBatch]]


@dataclass(frozen=True)
class StudentShape:
    """A student's size, of which each kind uses what it needs; `rank` None is a dense word table."""

    layers: int = DEFAULTS.student.layers
    hidden: int = DEFAULTS.student.hidden
    heads: int = DEFAULTS.student.heads
    ffn: int = DEFAULTS.student.ffn
    rank: int | None = DEFAULTS.student.rank
    share_layers: bool = DEFAULTS.student.share_layers
    seed: int = DEFAULTS.seed


Build = Callable[[Origin, StudentShape], SentenceEncoder]


@dataclass(frozen=True)
class StudentKind:
    """A kind of student: the function that builds it, how the model card says it was made, what it starts from.

    `made` names the teacher by `{name}`. The stages importance and prune do no work for a kind that does not use the
    pruned model.
    """

    build: Build
    made: str
    uses_pruned_model: bool = False

    def __call__(self, origin: Origin, shape: StudentShape) -> SentenceEncoder:
        """The untrained student."""
        return self.build(origin, shape)


def kind(made: str, uses_pruned_model: bool = False) -> Callable[[Build], StudentKind]:
    """Declare a kind of student: `@kind("layers of {name} were kept")` above the function that builds it."""
    return lambda build: StudentKind(build, made, uses_pruned_model)


def with_table_of_rank(student: SentenceEncoder, rank: int | None, counts: Tensor) -> SentenceEncoder:
    """The student over a word table that is a product of this rank, as `factorise`; None leaves it dense."""
    return student if rank is None else factorise(student, rank, counts)
