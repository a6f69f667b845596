"""The index finds exactly what comparing with every suite sentence finds."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headshrink.data.corpus.clean import fold
from headshrink.data.corpus.decontaminate import NEAR, SuiteIndex

# Few words, so that similar sentences are common and every tie of frequency occurs.
sentences = st.lists(st.sampled_from("а б в г д е ж кот спит дома".split()), min_size=0, max_size=12).map(" ".join)


def brute_force(sentence: str, suite: list[str], threshold: Fraction) -> str | None:
    words = set(sentence.split())
    if sentence in suite and words:
        return "in_suite"
    others = [set(other.split()) for other in suite]
    near = any(words and Fraction(len(words & other), len(words | other)) >= threshold for other in others if other)
    return "near_suite" if near else None


@given(
    sentences, st.lists(sentences, max_size=20), st.sampled_from([NEAR, Fraction(1, 2), Fraction(2, 3), Fraction(1)])
)
def test_the_index_equals_comparing_with_every_sentence(sentence: str, suite: list[str], threshold: Fraction) -> None:
    assert SuiteIndex(suite, threshold).reason_against(sentence) == brute_force(sentence, suite, threshold)


@pytest.mark.parametrize(
    ("sentence", "reason"),
    [
        ("мужчина в твёрдой шляпе танцует", "in_suite"),
        ("the man in a hard hat is dancing here now", "near_suite"),  # 8 shared words of 10
        ("the man in a hard hat was dancing here now", None),  # 7 of 11
        ("", None),
    ],
)
def test_near_means_at_least_four_fifths_of_the_words(sentence: str, reason: str | None) -> None:
    index = SuiteIndex(["Мужчина в твёрдой шляпе танцует.", "The man in a hard hat is dancing!"])
    assert index.reason_against(fold(sentence)) == reason
