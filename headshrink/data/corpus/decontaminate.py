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
    `ranks` are the places of the suite's words in the global order from 1 on, the rarest first.
    """

    def __init__(self, sentences: Iterable[str], threshold: Fraction = NEAR) -> None:
        self.threshold = threshold
        self.sentences = {folded for folded in map(fold, sentences) if folded}
        sets = sorted({frozenset(sentence.split()) for sentence in self.sentences}, key=sorted)
        frequency = Counter(word for words in sets for word in words)
        rarest_first = sorted(frequency, key=lambda word: (frequency[word], word))
        self.ranks = {word: rank for rank, word in enumerate(rarest_first, 1)}
        self.by_prefix_rank: dict[int, list[tuple[int, frozenset[str]]]] = defaultdict(list)
        for words in sets:
            for rank in self._prefix(words):
                self.by_prefix_rank[rank].append((len(words), words))

    def reason_against(self, folded: str) -> str | None:
        """`in_suite` for a folded sentence of the suite, `near_suite` for one similar to one of them, or None."""
        if folded in self.sentences:
            return "in_suite"
        return "near_suite" if self._has_near(frozenset(folded.split())) else None

    def _prefix(self, words: frozenset[str]) -> list[int]:
        """The ranks of the words to look at. Words that the suite lacks are the rarest of all, and lead nowhere."""
        known = sorted(filter(None, map(self.ranks.get, words)))
        return known[: max(0, prefix_length(len(words), self.threshold) - (len(words) - len(known)))]

    def _has_near(self, words: frozenset[str]) -> bool:
        share, whole, size = self.threshold.numerator, self.threshold.denominator, len(words)
        smallest, largest = -(-share * size // whole), whole * size // share  # that can be so similar
        for rank in self._prefix(words):
            for other_size, other in self.by_prefix_rank.get(rank, ()):
                if smallest <= other_size <= largest:
                    shared = len(words & other)
                    if whole * shared >= share * (size + other_size - shared):
                        return True
        return False


def without_tested(texts: Iterable[str], heldout: Iterable[str], suite: SuiteIndex) -> list[str]:
    """Distinct normalised texts without those of held-out pairs, the benchmark's and their near-copies."""
    held = {fold(text) for text in heldout}

    def untested(chunk: list[str]) -> list[str]:
        return [text for text in chunk if (folded := fold(text)) not in held and not suite.reason_against(folded)]

    distinct = list(dict.fromkeys(map(normalise, texts)))
    kept = on_all_cores(untested, chunked(distinct, TEXTS_PER_CHUNK), alone=len(distinct) <= TEXTS_PER_CHUNK)
    chunks = -(-len(distinct) // TEXTS_PER_CHUNK)
    return list(chain.from_iterable(track(kept, f"sentences without translation, {TEXTS_PER_CHUNK} at a time", chunks)))
