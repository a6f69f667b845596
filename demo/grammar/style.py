"""How a meaning is said: synonyms, construction, place of the time. Plain numbers, the same for any language."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

Word = TypeVar("Word")


@dataclass(frozen=True)
class Style:
    """Indices taken modulo what a language and a word offer.

    `words` chooses among synonyms, `order` among constructions (0 is the plainest: active, subject first), `front`
    puts the time first. Two styles that differ in all three share as few words as the lexicon allows.
    """

    words: int = 0
    order: int = 0
    front: bool = False

    def word(self, synonyms: Sequence[Word]) -> Word:
        return synonyms[self.words % len(synonyms)]

    def construction(self, options: Sequence[Word]) -> Word:
        return options[self.order % len(options)]


PLAIN = Style()
