"""The tokens that a model reads of a long text, without tokenising the rest, which costs 30 bytes a character."""

import json
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer, normalizers

CHARS_A_TOKEN = 8  # of ordinary text 3 to 5: mostly one try is enough
GROWTH = 8
# A single space between two characters that no normaliser joins with it or with each other across it.
GAP = re.compile("(?<=[!-~Ѐ-џ]) (?=[!-~Ѐ-џ])")
NORMALIZERS = {"BertNormalizer", "Lowercase", "StripAccents", "NFC", "NFD", "NFKC", "NFKD"}
SPLITS_AT_SPACES = {"BertPreTokenizer", "Whitespace", "WhitespaceSplit"}
SPLITS = SPLITS_AT_SPACES | {"Punctuation", "Digits"}


def complete_tokenizer(state: str, max_tokens: int, side: str = "right", prompt: str = "") -> Tokenizer:
    """A tokenizer.json that cuts texts by itself, on the side "right" or "left", after a prompt; it does not pad.

    The prompt comes before normalisation, as if it were written before the text; tokenizers writes none before an
    empty text.
    """
    tokenizer = Tokenizer.from_str(state)
    tokenizer.no_padding()
    tokenizer.enable_truncation(max_tokens, direction=side)
    if prompt:
        own = [tokenizer.normalizer] if tokenizer.normalizer else []
        tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend(prompt), *own])
    return tokenizer


def folder_tokenizer(folder: Path, max_tokens: int) -> Tokenizer:
    """The `complete_tokenizer` of a model folder that `save_encoder` wrote, without importing torch."""
    settings = folder / "config_sentence_transformers.json"
    stated = json.loads(settings.read_text(encoding="utf-8")) if settings.is_file() else {}
    prompt = stated.get("prompts", {}).get(stated.get("default_prompt_name")) or ""
    config = json.loads((folder / "tokenizer_config.json").read_text(encoding="utf-8"))
    state = (folder / "tokenizer.json").read_text(encoding="utf-8")
    return complete_tokenizer(state, max_tokens, config.get("truncation_side", "right"), prompt)


def truncated_ids(
    encode: Callable[[list[str]], list[list[int]]], tokenizer: Any, texts: Sequence[str], max_tokens: int, side: str
) -> list[list[int]]:
    """What `encode` gives for the texts, from as much of each as is needed for it.

    `encode` gives a row of ids a text, special tokens included, cut at `max_tokens` on the given side ("right" or
    "left") and not padded; `tokenizer` is the Tokenizer behind it. A part of a text that ends at a gap between words
    and fills its row gives the row of the whole text; where it does not fill it, a longer part is tried. The whole
    text is tokenised where `words_stand_alone` does not hold, and where it has no gap.
    """
    size = CHARS_A_TOKEN * max_tokens
    if all(len(text) <= size for text in texts) or not words_stand_alone(tokenizer):
        return encode(list(texts))
    parts = [part(text, size, side) for text in texts]
    rows = encode(parts)
    while short := [i for i, row in enumerate(rows) if len(row) < max_tokens and len(parts[i]) < len(texts[i])]:
        size *= GROWTH
        for i in short:
            parts[i] = part(texts[i], size, side)
        for i, row in zip(short, encode([parts[i] for i in short]), strict=True):
            rows[i] = row
    return rows


def part(text: str, size: int, side: str) -> str:
    """The text's first, or for side "left" last, `size` characters or so, up to a gap; the whole text without one."""
    if size >= len(text):
        return text
    if side == "left":
        gap = GAP.search(text, len(text) - size)
        return text[gap.end() :] if gap else text
    gap = GAP.search(text, size)
    return text[: gap.start()] if gap else text


def words_stand_alone(tokenizer: Any) -> bool:
    """Whether the tokens of a word depend on nothing beyond the spaces around it.

    So with WordPiece, which reads word by word, where every word ends at a space and normalisation keeps spaces; not
    with an added token that holds a space itself.
    """
    if not isinstance(tokenizer, Tokenizer) or type(tokenizer.model).__name__ != "WordPiece":
        return False
    if any(re.search(r"\s", token.content) for token in tokenizer.get_added_tokens_decoder().values()):
        return False
    splits = kinds(tokenizer.pre_tokenizer, "pretokenizers")
    return (
        splits[:1] != []
        and splits[0] in SPLITS_AT_SPACES
        and set(splits) <= SPLITS
        and set(kinds(tokenizer.normalizer, "normalizers")) <= NORMALIZERS
    )


def kinds(component: Any, parts: str) -> list[str]:
    """The types of a tokenizer's component, of a sequence those of its `parts`; none where there is no component."""
    if component is None:
        return []
    state = json.loads(component.__getstate__())
    return [one["type"] for one in state[parts]] if state["type"] == "Sequence" else [state["type"]]
