"""What trimming needs to know of a type of tokenizer."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar

from headshrink.errors import HeadshrinkError

Content = dict[str, Any]  # of a tokenizer.json


class Vocabulary(ABC):
    """The tokens of a tokenizer.json, and which of them the others need.

    `ids` are those of the model's own pieces by name; `added` those of tokens that are found in a text before the
    model splits it, special ones among them. `surfaces` [ids] are the texts that pieces stand for; an added token, and
    an id that no token has, stands for none.
    """

    kind: ClassVar[str]  # the type of the section "model" in tokenizer.json

    def __init__(self, content: Content) -> None:
        self.model: Content = content["model"]
        self.ids = self.pieces()
        self.added: dict[str, int] = {entry["content"]: entry["id"] for entry in content["added_tokens"]}
        self.size = 1 + max([*self.ids.values(), *self.added.values()])
        self.surfaces = [""] * self.size
        for piece, i in self.ids.items():
            if piece not in self.added:
                self.surfaces[i] = self.surface(piece)

    @abstractmethod
    def pieces(self) -> dict[str, int]:
        """The ids of the model's pieces."""

    @abstractmethod
    def surface(self, piece: str) -> str:
        """The characters of a text that a piece stands for, as the normaliser leaves them."""

    @abstractmethod
    def always(self) -> set[int]:
        """Pieces that stay whatever the text is."""

    @abstractmethod
    def spelling(self, characters: set[str]) -> set[int]:
        """Pieces that let every text of these characters be written."""

    @abstractmethod
    def cut(self, pieces: Sequence[str]) -> Content:
        """The section "model" with these pieces alone, whose ids are their positions."""

    def lineage(self, i: int) -> Iterable[int]:
        """A piece, and those that it cannot be made without."""
        return (i,)

    def missing(self, characters: set[str]) -> Mapping[str, list[int]]:
        """New pieces for `spelling`, with the pieces whose mean row each of them gets."""
        return {}

    def refuse(self, reason: str) -> HeadshrinkError:
        return HeadshrinkError(f"the tokenizer cannot be trimmed: {reason}")
