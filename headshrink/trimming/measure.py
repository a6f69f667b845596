"""What trimming means for a text: coverage, unknown tokens, and tokens per sentence before and after."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from tokenizers import Tokenizer

from headshrink.trimming.count import Counts, count_text
from headshrink.trimming.select import Selection
from headshrink.trimming.text import Hinted


def coverage_of(counts: Counts, selection: Selection) -> dict[str, Any]:
    """Of each language the number of sentences, and the share of their token occurrences whose token stays."""
    return {
        group: {"sentences": counts.sentences[group], "coverage": selection.coverage(tokens)}
        for group, tokens in sorted(counts.by_language().items())
    }


def before_and_after(
    tokenizers: tuple[Tokenizer, Tokenizer],
    unknown: str,
    text: Sequence[Hinted],
    selection: Selection,
    codes: Sequence[str],
) -> dict[str, Any]:
    """As `coverage_of`, with tokens per sentence and unknown tokens per 1,000 of each tokenizer, the old one first."""
    old, new = (count_text(one, text, codes, one.get_vocab_size()) for one in tokenizers)
    unknown_ids = [one.token_to_id(unknown) for one in tokenizers]
    found = coverage_of(old, selection)
    for group, facts in found.items():
        both = [counts.tokens[group] for counts in (old, new)]
        rates = [share(tokens, i) for tokens, i in zip(both, unknown_ids, strict=True)]
        lengths = [float(tokens.sum() / facts["sentences"]) for tokens in both]
        facts["tokens_per_sentence"] = dict(zip(("before", "after"), lengths, strict=True))
        facts["unknown_per_1000"] = dict(zip(("before", "after"), rates, strict=True))
    return found


def share(tokens: np.ndarray, i: int | None) -> float:
    """Occurrences of a token per 1,000 of all; 0 where the vocabulary has none of its name."""
    return 0.0 if i is None else float(1000 * tokens[i] / max(1, tokens.sum()))
