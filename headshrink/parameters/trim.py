"""Parameters of trimming: which tokens of a vocabulary stay."""

from collections.abc import Sequence
from typing import Annotated

from pydantic import AfterValidator, Field, model_validator

from headshrink.parameters.languages import LANGUAGES
from headshrink.parameters.section import NOTHING, Once, Section


def known_languages(codes: list[str]) -> list[str]:
    """The codes; ValueError for one without an alphabet, and where there is none."""
    if unknown := [code for code in codes if code not in LANGUAGES]:
        raise ValueError(f"unknown language code {unknown[0][:20]!r}; allowed: {', '.join(sorted(LANGUAGES))}")
    if not codes:
        raise ValueError("at least one language code is needed")
    return codes


class TrimParams(Section):
    """Which tokens stay. Without `tokens` and `coverage`, `min_count` decides."""

    languages: Annotated[Sequence[str], AfterValidator(known_languages), Once] = Field(
        ["en", "ru"],
        description="codes of the languages whose text and alphabets stay; the columns of a TSV are in this order",
    )
    min_count: int = Field(
        1, ge=0, le=1_000_000_000, description="minimum occurrences of a token in the text of one language"
    )
    tokens: int | None = Field(
        None, ge=1, le=10_000_000, description="maximum number of tokens, special tokens and characters included"
    )
    coverage: float | None = Field(
        None, gt=0, le=1, description="share of the token occurrences of each language to keep; empty: no limit"
    )
    keep: str = Field(NOTHING, description="file of words, one per line, whose tokens stay")

    @model_validator(mode="after")
    def one_limit(self) -> "TrimParams":
        if self.tokens is not None and self.coverage is not None:
            raise ValueError("tokens and coverage exclude each other: set one of them")
        return self


DEFAULTS = TrimParams()
