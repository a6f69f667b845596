"""What normalising keeps, what folding forgets, and which pairs are dropped for which reason."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headshrink.data.corpus.clean import Limits, fold, normalise
from headshrink.data.corpus.sources import Pair


@given(st.text())
def test_normalising_twice_changes_nothing(text: str) -> None:
    assert normalise(normalise(text)) == normalise(text)


def test_normalising_composes_letters_and_removes_what_cannot_be_seen() -> None:
    assert normalise("и\u200b\u0306од \u00a0\u200bв\u00adо\u0434а\t\ufeff\n") == "йод вода"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Don't panic!", "don’t PANIC"),
        ("«Замок» за́мок", "замок, замок"),
        ("ﬁve — 5", "FIVE 5."),
        ("и\u0306од", "Йод"),
    ],
)
def test_folding_forgets_case_punctuation_stress_and_form(one: str, other: str) -> None:
    assert fold(one) == fold(other)


@given(st.text(), st.text())
def test_equal_texts_stay_equal_under_normalising_then_folding(one: str, other: str) -> None:
    if normalise(one) == normalise(other):
        assert fold(normalise(one)) == fold(normalise(other))


@pytest.mark.parametrize(
    ("en", "ru", "reason"),
    [
        ("A cat sleeps.", "Кошка спит.", None),
        ("Install Python 3.12", "Установите Python 3.12", None),
        ("A cat sleeps.", "", "missing_side"),
        ("Ok", "Ладно", "too_short"),
        ("A" * 501, "Б" * 501, "too_long"),
        ("Yes it is", "Да, это так, и спорить с этим совершенно бесполезно", "length_ratio"),
        ("Кошка спит.", "Кошка спит.", "not_english"),
        ("A cat sleeps.", "A cat sleeps.", "not_russian"),
        ("1234567", "1234567", "not_english"),
    ],
)
def test_each_reason_to_drop_a_pair(en: str, ru: str, reason: str | None) -> None:
    assert Limits().reason_against(Pair(en, ru, "test")) == reason
