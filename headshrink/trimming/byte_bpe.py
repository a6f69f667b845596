"""Byte-level BPE: a text is bytes, which merges of learned order join into pieces; nothing is unknown."""

from collections.abc import Iterable, Sequence
from functools import cached_property

from headshrink.trimming._base import Content, Vocabulary


def byte_symbols() -> dict[str, int]:
    """The byte that each of the 256 symbols of byte-level BPE stands for.

    Printable bytes stand for themselves, the others for the characters from U+0100 on, in their order (GPT-2).
    """
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(256) if byte not in printable]
    return {chr(byte): byte for byte in printable} | {chr(0x100 + i): byte for i, byte in enumerate(others)}


SYMBOLS = byte_symbols()


class ByteBpe(Vocabulary):
    """All 256 bytes stay, and with each piece the ones that it is merged from.

    A text whose pieces all stay is split as before: every merge that made them is there, and each step takes the first
    merge in order among those that it took it from before, or fewer.
    """

    kind = "BPE"

    def __init__(self, content: Content) -> None:
        super().__init__(content)
        if "ByteLevel" not in str(content["pre_tokenizer"]):
            raise self.refuse("its BPE is not byte-level; allowed are WordPiece, Unigram and byte-level BPE")

    def pieces(self) -> dict[str, int]:
        return dict(self.model["vocab"])

    def surface(self, piece: str) -> str:
        """The bytes as UTF-8; the parts of characters at both ends are left out."""
        return bytes(SYMBOLS[char] for char in piece if char in SYMBOLS).decode("utf-8", errors="ignore")

    @cached_property
    def merges(self) -> list[tuple[str, str]]:
        """The merges in order; some files write two pieces as one text with a space between."""
        pairs = (merge.split(" ") if isinstance(merge, str) else merge for merge in self.model["merges"])
        return [(left, right) for left, right in pairs]

    @cached_property
    def parents(self) -> dict[int, set[int]]:
        """The pieces that each piece is merged from, by any merge."""
        found: dict[int, set[int]] = {}
        for left, right in self.merges:
            found.setdefault(self.ids[left + right], set()).update((self.ids[left], self.ids[right]))
        return found

    def lineage(self, i: int) -> Iterable[int]:
        seen, todo = {i}, [i]
        while todo:
            new = self.parents.get(todo.pop(), set()) - seen
            seen |= new
            todo += new
        return seen

    def always(self) -> set[int]:
        return {self.ids[symbol] for symbol in SYMBOLS if symbol in self.ids}

    def spelling(self, characters: set[str]) -> set[int]:
        """Single characters, with a space before them too: bytes could write them, in more pieces."""
        forms = characters | {" " + char for char in characters}
        return {i for i, surface in enumerate(self.surfaces) if surface in forms}

    def cut(self, pieces: Sequence[str]) -> Content:
        kept = {piece: i for i, piece in enumerate(pieces)}
        merges = [[a, b] for a, b in self.merges if a in kept and b in kept and a + b in kept]
        return self.model | {"vocab": kept, "merges": merges}
