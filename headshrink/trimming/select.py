"""Which tokens stay: those that a text needs in each language, and those that every text of its characters needs."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

import numpy as np
import regex

from headshrink.errors import HeadshrinkError
from headshrink.parameters.languages import DIGITS, LANGUAGES, PUNCTUATION
from headshrink.parameters.trim import TrimParams
from headshrink.trimming._base import Vocabulary
from headshrink.trimming.count import Counts
from headshrink.trimming.text import scripts_pattern

SHARED_SCRIPTS = ("Common", "Inherited")  # digits, punctuation, symbols and accents of all scripts


@dataclass(frozen=True)
class Selection:
    """The tokens of a trimmed vocabulary in the order of their new ids.

    `old_ids` [tokens] are -1 for a new piece; `means` gives, by its new id, the old ids whose mean row it gets. The
    first `pieces` tokens are the model's own; added tokens that it does not know follow them.
    """

    tokens: list[str]
    old_ids: np.ndarray
    means: dict[int, list[int]]
    pieces: int

    def ids(self) -> dict[str, int]:
        """The new id of each token."""
        return {token: i for i, token in enumerate(self.tokens)}

    def new_ids(self) -> dict[int, int]:
        """The new id of each old one that stays."""
        return {old: new for new, old in enumerate(self.old_ids.tolist()) if old >= 0}

    def coverage(self, counts: np.ndarray) -> float:
        """The share of token occurrences [old vocabulary] whose token stays."""
        kept = counts[self.old_ids[self.old_ids >= 0]].sum()
        return float(kept / max(1, counts.sum()))


def select(
    vocabulary: Vocabulary, counts: Counts, how: TrimParams, alphabets: str, words: Collection[int] = (), pad: int = -1
) -> Selection:
    """The tokens that stay.

    `alphabets` are the letters of the languages, as the tokenizer's normaliser leaves them; `words` the ids of tokens
    that stay in any case; `pad` the id of the padding token, which it keeps where the new table is long enough:
    RoBERTa counts positions from it. Raises HeadshrinkError for a number of tokens that the needed ones exceed.
    """
    scripts = {script for code in how.languages for script in LANGUAGES[code].scripts}
    readable = regex.compile(scripts_pattern([*SHARED_SCRIPTS, *sorted(scripts)]) + "*")
    characters = kept_characters(vocabulary, counts, alphabets, readable)
    missing = dict(vocabulary.missing(characters))
    needed = {*vocabulary.added.values(), *vocabulary.always(), *vocabulary.spelling(characters), *words}
    kept = with_lineage(vocabulary, needed)
    least = len(kept) + len(missing)
    if how.tokens is not None and how.tokens < least:
        raise HeadshrinkError(f"tokens = {how.tokens}: special tokens, characters and words to keep need {least}")
    allowed = candidates(vocabulary, counts, how.min_count, readable)
    if how.tokens is not None:
        fill(kept, vocabulary, by_share(counts, allowed), how.tokens - len(missing))
    else:
        kept |= with_lineage(vocabulary, covering(counts, allowed, how.coverage))
    return ordered(vocabulary, kept, missing, pad)


def kept_characters(vocabulary: Vocabulary, counts: Counts, alphabets: str, readable: regex.Pattern) -> set[str]:
    """Characters that occur, of the languages' scripts and those that all share; alphabets, digits, punctuation."""
    occurring = (vocabulary.surfaces[i] for i in np.flatnonzero(counts.total()).tolist())
    found = {*DIGITS, *PUNCTUATION, *alphabets}.union(*occurring)
    return {char for char in found if not char.isspace() and readable.fullmatch(char)}


def candidates(vocabulary: Vocabulary, counts: Counts, least: int, readable: regex.Pattern) -> np.ndarray:
    """Tokens that occur `least` times in a language, or may fill a table, without letters of other scripts: bool."""
    most = np.max(list(counts.tokens.values()), axis=0)
    known = np.array([bool(surface) for surface in vocabulary.surfaces])  # not [unused1], nor parts of characters
    chosen: np.ndarray = (most >= least) & (known | (most > 0))
    for i in np.flatnonzero(chosen & known).tolist():
        chosen[i] = readable.fullmatch(vocabulary.surfaces[i]) is not None
    return chosen


def by_share(counts: Counts, allowed: np.ndarray) -> list[int]:
    """Allowed tokens by their mean share in the languages, most frequent first, equal ones by their id.

    Each language counts the same, whatever the size of its text.
    """
    shares = sum(counts.shares(group) for group in counts.by_language())
    order = np.argsort(-np.asarray(shares), kind="stable")
    return [int(i) for i in order[allowed[order]]]


def covering(counts: Counts, allowed: np.ndarray, coverage: float | None) -> Iterable[int]:
    """Of each language the fewest allowed tokens that make up a share of its occurrences; without a share all."""
    if coverage is None:
        return np.flatnonzero(allowed).tolist()
    chosen = set[int]()
    for tokens in counts.by_language().values():
        own = np.where(allowed, tokens, 0)
        order = np.argsort(-own, kind="stable")
        reached = np.cumsum(own[order])
        fewest = int(np.searchsorted(reached, coverage * reached[-1])) + 1
        chosen.update(i for i in order[:fewest].tolist() if own[i])
    return chosen


def with_lineage(vocabulary: Vocabulary, ids: Iterable[int]) -> set[int]:
    """Tokens with those that they cannot be made without."""
    return {ancestor for i in ids for ancestor in vocabulary.lineage(i)}


def fill(kept: set[int], vocabulary: Vocabulary, ranked: Iterable[int], size: int) -> None:
    """Add tokens in their order, each with its lineage, until `size` are kept; one that has no room is passed over."""
    for i in ranked:
        if len(kept) == size:
            return
        new = {*vocabulary.lineage(i)} - kept
        if len(kept) + len(new) <= size:
            kept |= new


def ordered(vocabulary: Vocabulary, kept: set[int], missing: dict[str, list[int]], pad: int) -> Selection:
    """Pieces by their old ids, then new pieces, then tokens that only the list of added tokens names."""
    names = {i: piece for piece, i in vocabulary.ids.items()}
    pieces = sorted(kept & names.keys())
    if pad in pieces and pad < len(pieces):
        pieces.remove(pad)
        pieces.insert(pad, pad)
    others = {i: token for token, i in sorted(vocabulary.added.items()) if i not in names}
    tokens = [*(names[i] for i in pieces), *missing, *(others[i] for i in sorted(others))]
    old_ids = np.array([*pieces, *[-1] * len(missing), *sorted(others)], dtype=np.int64)
    means = {len(pieces) + n: ids for n, ids in enumerate(missing.values())}
    return Selection(tokens, old_ids, means, len(pieces) + len(missing))
