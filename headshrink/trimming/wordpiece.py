"""WordPiece: words are split from the left into the longest pieces; one that cannot be split whole is unknown."""

import re
from collections.abc import Sequence

from headshrink.trimming._base import Content, Vocabulary

UNUSED = re.compile(r"\[unused\d+\]")  # rows that BERT's vocabularies hold for later use


class WordPiece(Vocabulary):
    """Of each character that stays, the piece at the start of a word and the one inside a word stay.

    Then no split stops inside a word of such characters. A text whose pieces all stay is split as before: the longest
    piece at each place is still there, and no longer one has come.
    """

    kind = "WordPiece"

    @property
    def inner(self) -> str:
        """The mark of a piece inside a word."""
        return str(self.model["continuing_subword_prefix"])

    def pieces(self) -> dict[str, int]:
        return dict(self.model["vocab"])

    def surface(self, piece: str) -> str:
        return "" if UNUSED.fullmatch(piece) else piece.removeprefix(self.inner)

    def always(self) -> set[int]:
        unknown = self.model["unk_token"]
        return {self.ids[unknown]} if unknown in self.ids else set()

    def spelling(self, characters: set[str]) -> set[int]:
        names = (name for char in characters for name in (char, self.inner + char))
        return {self.ids[name] for name in names if name in self.ids}

    def missing(self, characters: set[str]) -> dict[str, list[int]]:
        """Characters that have a piece of their own in neither place but stand there in longer ones.

        >>> content = {"vocab": {"añb": 0, "##a": 1}, "continuing_subword_prefix": "##", "unk_token": "[UNK]"}
        >>> WordPiece({"model": content, "added_tokens": []}).missing({"a", "ñ"})
        {'a': [0], '##ñ': [0]}
        """
        found: dict[str, list[int]] = {}
        for piece, i in self.ids.items():
            if surface := self.surfaces[i]:
                starts = [] if piece.startswith(self.inner) else [surface[0]]
                for name in {*starts, *(self.inner + char for char in surface[len(starts) :])}:
                    if name not in self.ids and name[-1] in characters:
                        found.setdefault(name, []).append(i)
        return dict(sorted(found.items(), key=lambda item: (item[0].startswith(self.inner), item[0])))

    def cut(self, pieces: Sequence[str]) -> Content:
        return self.model | {"vocab": {piece: i for i, piece in enumerate(pieces)}}
