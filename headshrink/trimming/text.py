"""Text to count: files, folders, a corpus or sentences by language, each sentence with its language."""

import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Protocol, TypeAlias

import numpy as np
import regex

from headshrink.data.text.lines import listed, read_lines
from headshrink.errors import HeadshrinkError
from headshrink.parameters.languages import LANGUAGES


class Pairs(Protocol):
    """A corpus of sentence pairs."""

    def sides(self) -> Sequence[Sequence[str]]: ...


Source: TypeAlias = "str | Path | Pairs | Mapping[str, Iterable[str]]"
Text: TypeAlias = "Source | Sequence[Source]"
Hinted = tuple[str | None, str]  # the language that the place of a sentence states, and the sentence

NAMED = regex.compile(rf"\.({'|'.join(LANGUAGES)})(?=(\.txt)?(\.gz)?$)")
READ = (".tsv", ".txt")
WITHOUT_LETTERS = "any"  # the group of sentences that have no letter


class Languages:
    """Sorts sentences by the script of their letters, and by what their place states where scripts are equal.

    Languages that neither tells apart share a group, whose name joins their codes.
    """

    def __init__(self, codes: Sequence[str]) -> None:
        self.codes = list(codes)
        self.letter = flags(r"(?V1)[\p{L}--[\p{Common}\p{Inherited}]]")
        self.own = [flags(scripts_pattern(LANGUAGES[code].scripts)) for code in codes]
        self._names: dict[tuple[bytes, str | None], str | None] = {}

    def groups(self, chunk: Sequence[Hinted]) -> list[str | None]:
        """The group of each sentence; None where most of its letters are of other scripts."""
        text = "\n".join(sentence for _, sentence in chunk) + "\n"
        chars = np.frombuffer(text.encode("utf-32-le", errors="surrogatepass"), dtype=np.uint32)
        starts = np.cumsum([0, *(len(sentence) + 1 for _, sentence in chunk[:-1])])
        letters, *own = (np.add.reduceat(table[chars], starts, dtype=np.int32) for table in (self.letter, *self.own))
        most = np.max(own, axis=0)
        likely = (np.array(own) == most) & (most > 0) & (2 * most >= letters)
        keys = [(likely[:, i].tobytes() if letters[i] else b"", hint) for i, (hint, _) in enumerate(chunk)]
        return [self.group(*key) for key in keys]

    def group(self, likely: bytes, hint: str | None) -> str | None:
        """The group of languages that are likely, a flag each; of no flags where there is no letter."""
        if (likely, hint) not in self._names:
            codes = [code for code, flag in zip(self.codes, likely, strict=False) if flag]
            joined = ("+".join(codes) or None) if likely else WITHOUT_LETTERS
            self._names[likely, hint] = hint if hint in codes else joined
        return self._names[likely, hint]


def scripts_pattern(scripts: Iterable[str]) -> str:
    """A character of one of the scripts.

    >>> print(scripts_pattern(["Latin", "Han"]))
    [\\p{Latin}\\p{Han}]
    """
    return "[" + "".join(rf"\p{{{script}}}" for script in scripts) + "]"


@cache
def flags(pattern: str) -> np.ndarray:
    """Which of all characters a pattern takes: bool [code points]."""
    every = "".join(map(chr, range(sys.maxunicode + 1)))
    table = np.zeros(len(every), dtype=bool)
    table[[ord(char) for char in regex.findall(pattern, every)]] = True
    return table


def parts_of(text: Text) -> Sequence[Source]:
    """The texts of a list; one text as a list of one."""
    return text if isinstance(text, list | tuple) else [text]  # type: ignore[list-item]


def sentences(text: Text, languages: Sequence[str]) -> Iterator[Hinted]:
    """Sentences of a text or of several, as they are read; blank ones are left out.

    A text is the path of a file or folder, a corpus (its training pairs) or sentences by language code. Raises
    HeadshrinkError as `read_lines`, and for a folder without text.
    """
    for part in parts_of(text):
        if isinstance(part, str | Path):
            yield from (line for file in files_of(Path(part)) for line in lines_of(file, languages))
        elif isinstance(part, Mapping):
            yield from ((code, line) for code, lines in part.items() for line in lines if line.strip())
        else:
            yield from ((code, line) for code, side in zip(languages, part.sides(), strict=False) for line in side)


def files_of(path: Path) -> list[Path]:
    """A file, or those of a folder that hold text: *.tsv, *.txt and *.LANGUAGE, each plain or gzipped."""
    if not path.is_dir():
        return [path]
    files = [file for file in listed(path) if file.name.removesuffix(".gz").endswith(READ) or NAMED.search(file.name)]
    if not files:
        raise HeadshrinkError(f"no text in {path}: it must hold .tsv, .txt or .LANGUAGE files, plain or gzipped")
    return files


def lines_of(file: Path, languages: Sequence[str]) -> Iterator[Hinted]:
    """Sentences of a file; the first columns of a TSV, in the order of the languages."""
    if file.name.removesuffix(".gz").endswith(".tsv"):
        for line in read_lines(file):
            for code, cell in zip(languages, line.split("\t"), strict=False):
                if cell.strip():
                    yield code, cell
    else:
        named = NAMED.search(file.name)
        hint = named[1] if named else None
        yield from ((hint, line) for line in read_lines(file) if line.strip())
