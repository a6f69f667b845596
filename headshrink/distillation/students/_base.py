"""What a student may be made from, and its shape."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, cast

from torch import Tensor

from headshrink.importance import PairBatch
from headshrink.model import SentenceEncoder
from headshrink.parameters.distill import DEFAULTS
from headshrink.pruning.embedding import factorise


@dataclass(frozen=True)
class Origin:
    """What students are made from: the teacher, the model cut from it, and the training text.

    `counts` [vocabulary] says how often each of the teacher's tokens occurs in the text; `text` gives batches of at
    most so many pairs of it, drawn by a seed.
    """

    teacher: SentenceEncoder
    pruned: SentenceEncoder
    counts: Tensor
    text: Callable[[int, int], list[PairBatch]]


@dataclass(frozen=True)
class Shape:
    """A student's size, of which each kind uses what it needs; `rank` None is a dense word table."""

    layers: int = DEFAULTS.student.layers
    hidden: int = DEFAULTS.student.hidden
    heads: int = DEFAULTS.student.heads
    ffn: int = DEFAULTS.student.ffn
    rank: int | None = DEFAULTS.student.rank
    share_layers: bool = DEFAULTS.student.share_layers
    seed: int = DEFAULTS.seed


Compute = Callable[[Origin, Shape], SentenceEncoder]


class Build(Protocol):
    """(origin, shape) -> the student before its training; `made` states in the model card how it came to be."""

    made: str

    def __call__(self, origin: Origin, shape: Shape, /) -> SentenceEncoder: ...


def made(statement: str) -> Callable[[Compute], Build]:
    """State how a student of this kind is made from the teacher `{name}`: `@made("layers of {name} were kept")`."""

    def declare(build: Compute) -> Build:
        build.made = statement  # type: ignore[attr-defined]
        return cast(Build, build)

    return declare


def with_table_of_rank(student: SentenceEncoder, rank: int | None, counts: Tensor) -> SentenceEncoder:
    """The student over a word table that is a product of this rank, as `factorise`; None leaves it dense."""
    return student if rank is None else factorise(student, rank, counts)
