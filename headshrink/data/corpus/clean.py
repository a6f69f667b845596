"""Text of a pair made uniform, and the reasons for which a pair is not worth training on."""

import re
import unicodedata
from dataclasses import dataclass

from headshrink.data.text.pairs import Pair
from headshrink.parameters.corpus import DEFAULTS

INVISIBLE = re.compile("[\x00-\x08\x0e-\x1f\x7f\u00ad\u200b-\u200f\u202a-\u202e\u2060\ufeff\ufffe\uffff]")
MARK = re.compile("[\u0300-\u036f]")
NOT_WORD = re.compile(r"[\W_]+")
LETTERS = re.compile(r"[^\W\d_]+")
LATIN = re.compile("[A-Za-zÀ-ÖØ-öø-ɏ]+")
CYRILLIC = re.compile("[\u0400-\u052f]+")
MOSTLY = 0.5  # share of a script among letters; names and terms of the other language often take a third


def normalise(text: str) -> str:
    """The text as it is trained on: NFC, no control or invisible characters, single spaces."""
    text = INVISIBLE.sub("", text)
    return " ".join((text if text.isascii() else unicodedata.normalize("NFC", text)).split())


def fold(text: str) -> str:
    """What two texts share when they differ only in case, punctuation, stress marks or compatibility forms.

    Words joined by single spaces; empty for a text without letters and digits. Pairs are compared, split and matched
    with the suite in this form.
    """
    text = text.casefold() if text.isascii() else MARK.sub("", unicodedata.normalize("NFKC", text).casefold())
    return NOT_WORD.sub(" ", text).strip()


def share(script: re.Pattern[str], text: str) -> float:
    """Share of the text's letters that belong to a script; 0 for a text without letters."""
    letters = sum(map(len, LETTERS.findall(text)))
    return sum(map(len, script.findall(text))) / letters if letters else 0.0


def language_of(text: str) -> str:
    """"ru" where most letters are Cyrillic, else "en"."""
    return "ru" if share(CYRILLIC, text) >= MOSTLY else "en"


@dataclass(frozen=True)
class Limits:
    """Which normalised pairs are kept.

    Length is in characters. A ratio of 3 between the sides passes every honest translation of more than a word or two
    and stops most misaligned lines.
    """

    min_chars: int = DEFAULTS.min_chars
    max_chars: int = DEFAULTS.max_chars
    max_length_ratio: float = DEFAULTS.max_length_ratio

    def reason_against(self, pair: Pair) -> str | None:
        """Why a normalised pair is dropped, or None where it is kept."""
        if not pair.en or not pair.ru:
            return "missing_side"
        return self._length(*sorted((len(pair.en), len(pair.ru)))) or script_reason(pair)

    def _length(self, shorter: int, longer: int) -> str | None:
        if shorter < self.min_chars:
            return "too_short"
        if longer > self.max_chars:
            return "too_long"
        return "length_ratio" if longer > self.max_length_ratio * shorter else None


def script_reason(pair: Pair) -> str | None:
    """Which side is not in its language, judged by script: it costs microseconds and cannot mistake ru for en."""
    if share(LATIN, pair.en) < MOSTLY:
        return "not_english"
    return "not_russian" if share(CYRILLIC, pair.ru) < MOSTLY else None
