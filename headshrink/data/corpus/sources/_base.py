"""What a source of pairs is: a label for reports, and an iterator over everything it holds."""

from abc import ABC, abstractmethod
from collections.abc import Iterator

from headshrink.data.text.pairs import Pair


class Source(ABC):
    """Where pairs come from.

    A source judges no pair: it yields one for every line, so that cleaning can count what it drops. A missing side
    is the empty string.
    """

    label: str  # in reports: what was read, without the machine's paths
    total: int | None = None  # number of pairs for the progress line, known with the first pair if at all

    @abstractmethod
    def pairs(self) -> Iterator[Pair]:
        """Yield every pair, in an order that depends on the data alone.

        Raises HeadshrinkError where the data cannot be had or are not what they claim to be.
        """
