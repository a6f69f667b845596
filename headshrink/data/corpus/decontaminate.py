"""Benchmark sentences, and near-copies of them, found in a corpus: exact set-similarity search by prefix filtering.

Chaudhuri et al. 2006 ("A primitive operator for similarity joins") and Bayardo et al. 2007 ("Scaling up all pairs
similarity search"): if two word sets have Jaccard similarity at least t and their words are sorted by one global
order, the first |x| - ceil(t|x|) + 1 words of each must share one. With rare words first, hardly any candidate is left.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable
from fractions import Fraction
from itertools import chain

from headshrink.cores import chunked, on_all_cores
from headshrink.data.corpus.clean import fold, normalise
from headshrink.progress import track

TEXTS_PER_CHUNK = 2_000  # what a process looks up at a time
NEAR = Fraction(4, 5)  # of word Jaccard: one word of nine exchanged still counts as the same sentence


def prefix_length(size: int, threshold: Fraction) -> int:
    """How many of a set's rarest words must be looked at to miss no set as similar as the threshold.

    In integers, as everything that is asked once per sentence: exact, at a tenth of the cost of fractions.
    """
    return size + -threshold.numerator * size // threshold.denominator + 1


class SuiteIndex:
    """The folded sentences of a benchmark, searchable for equal and for similar ones.

    Exact: finds what comparing with every sentence would find. Languages need no separation, they share no words.
    """

    def __init__(self, sentences: Iterable[str], threshold: Fraction = NEAR) -> None:
        self.threshold = threshold
        self.sentences = {folded for folded in map(fold, sentences) if folded}
        self.sets = sorted({frozenset(sentence.split()) for sentence in self.sentences}, key=sorted)
        self.frequency = Counter(word for words in self.sets for word in words)
        self.by_prefix_word: dict[str, list[frozenset[str]]] = defaultdict(list)
        for words in self.sets:
            for word in self._prefix(words):
                self.by_prefix_word[word].append(words)

    def reason_against(self, folded: str) -> str | None:
        """`in_suite` for a folded sentence of the suite, `near_suite` for one similar to one of them, or None."""
        if folded in self.sentences:
            return "in_suite"
        return "near_suite" if self._has_near(frozenset(folded.split())) else None

    def _prefix(self, words: frozenset[str]) -> list[str]:
        """The words to look at, rarest first; words that the suite lacks count as the rarest of all."""
        order = sorted(words, key=lambda word: (self.frequency.get(word, 0), word))
        return order[: prefix_length(len(words), self.threshold)]

    def _has_near(self, words: frozenset[str]) -> bool:
        if not words:
            return False
        return any(
            self._near(words, other) for word in self._prefix(words) for other in self.by_prefix_word.get(word, ())
        )

    def _near(self, one: frozenset[str], other: frozenset[str]) -> bool:
        share, whole = self.threshold.numerator, self.threshold.denominator
        shorter, longer = sorted((len(one), len(other)))
        if shorter * whole < share * longer:
            return False
        shared = len(one & other)
        return shared * whole >= share * (shorter + longer - shared)


def without_tested(texts: Iterable[str], heldout: Iterable[str], suite: SuiteIndex) -> list[str]:
    """Distinct normalised texts without those of held-out pairs, the benchmark's and their near-copies."""
    held = {fold(text) for text in heldout}

    def untested(chunk: list[str]) -> list[str]:
        return [text for text in chunk if (folded := fold(text)) not in held and not suite.reason_against(folded)]

    distinct = list(dict.fromkeys(map(normalise, texts)))
    kept = on_all_cores(untested, chunked(distinct, TEXTS_PER_CHUNK), alone=len(distinct) <= TEXTS_PER_CHUNK)
    chunks = -(-len(distinct) // TEXTS_PER_CHUNK)
    return list(chain.from_iterable(track(kept, f"sentences without translation, {TEXTS_PER_CHUNK} at a time", chunks)))
