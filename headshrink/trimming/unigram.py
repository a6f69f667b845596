"""Unigram (SentencePiece): the split of highest total score; a character without a piece is unknown."""

import re
from collections.abc import Sequence

from headshrink.trimming._base import Content, Vocabulary

SPACE = "▁"
BYTE = re.compile("<0x[0-9A-F]{2}>")


class Unigram(Vocabulary):
    """The pieces of single characters stay, so that no text of these characters has an unknown one.

    A text whose pieces all stay is split as before: its split had the highest score among more. That includes splits
    through unknown characters, whose score is the lowest one of the table less a constant: a piece of lowest score
    stays too. No piece is added, which would change that score or other splits.
    """

    kind = "Unigram"

    def pieces(self) -> dict[str, int]:
        return {piece: i for i, (piece, _) in enumerate(self.model["vocab"])}

    def surface(self, piece: str) -> str:
        return "" if self.model.get("byte_fallback") and BYTE.fullmatch(piece) else piece.replace(SPACE, " ")

    def always(self) -> set[int]:
        scores = [score for _, score in self.model["vocab"]]
        found = {self.model["unk_id"], scores.index(min(scores)), self.ids.get(SPACE)} - {None}
        if self.model.get("byte_fallback"):
            found |= {i for piece, i in self.ids.items() if BYTE.fullmatch(piece)}
        return found

    def spelling(self, characters: set[str]) -> set[int]:
        """Single characters; of one that has no piece of its own, all pieces that hold it."""
        own = {self.ids[char] for char in characters if char in self.ids}
        rest = {char for char in characters if char not in self.ids}
        return own | {i for i, surface in enumerate(self.surfaces) if not rest.isdisjoint(surface.replace(" ", ""))}

    def cut(self, pieces: Sequence[str]) -> Content:
        scores = dict(self.model["vocab"])
        unknown = self.model["unk_id"]
        kept = {piece: i for i, piece in enumerate(pieces)}
        unk_id = None if unknown is None else kept[self.model["vocab"][unknown][0]]
        return self.model | {"vocab": [[piece, scores[piece]] for piece in pieces], "unk_id": unk_id}
