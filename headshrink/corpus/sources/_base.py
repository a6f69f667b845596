"""What a source of pairs is: a label for reports, and an iterator over everything it holds."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Pair:
    """A sentence and its translation; `source` names the file or data set it came from, for the counts."""

    en: str
    ru: str
    source: str


class Source(ABC):
    """Where pairs come from.

    A source judges nothing: it yields a pair for every line, so that cleaning can count what it drops. Bytes that are
    not UTF-8 arrive as lone surrogates (`errors="surrogateescape"`), a missing side as the empty string.
    """

    label: str  # in reports: what was read, without the machine's paths

    @abstractmethod
    def pairs(self) -> Iterator[Pair]:
        """Yield every pair, in an order that depends on the data alone.

        Raises HeadshrinkError where the data cannot be had or are not what they claim to be.
        """
