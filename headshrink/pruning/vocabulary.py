"""Vocabulary: WordPiece tokens that a text never needs, out of the table and out of the tokenizer."""

import json
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from transformers import AutoTokenizer, PreTrainedTokenizerBase

from headshrink.errors import HeadshrinkError
from headshrink.model import SentenceEncoder
from headshrink.pruning.cut import as_pruned_config, empty_model

INNER = "##"  # WordPiece's mark of a piece inside a word


def count_tokens(rows: Iterable[Sequence[int] | np.ndarray], vocabulary: int) -> Tensor:
    """How often each id occurs in rows of token ids: int64 [vocabulary]."""
    counts = np.zeros(vocabulary, dtype=np.int64)
    for row in rows:
        np.add.at(counts, np.asarray(row, dtype=np.int64), 1)
    return torch.from_numpy(counts)


def choose_tokens(
    tokenizer: PreTrainedTokenizerBase, counts: Tensor, least: int = 1, budget: int | None = None
) -> list[str]:
    """Tokens to keep, in their old order: those seen `least` times, or the `budget` most frequent, and the needed ones.

    `counts` [rows of the table] may be longer than the vocabulary: a table often has rows without a token at its end.
    Special tokens and single characters always stay, inside `budget`. Raises HeadshrinkError for a budget that they
    do not fit into.
    """
    tokens = _tokens(tokenizer)
    counts = counts[: len(tokens)]
    needed = {token for token in tokens if token in tokenizer.all_special_tokens or len(token.removeprefix(INNER)) == 1}
    if budget is None:
        chosen = {token for token, count in zip(tokens, counts.tolist(), strict=True) if count >= least}
    else:
        if budget < len(needed):
            raise HeadshrinkError(
                f"a vocabulary of {budget} tokens cannot hold the special tokens and characters: at least {len(needed)}"
            )
        by_count = torch.argsort(counts, descending=True, stable=True).tolist()
        others = [tokens[i] for i in by_count if tokens[i] not in needed]
        chosen = set(others[: budget - len(needed)])
    return [token for token in tokens if token in chosen or token in needed]


def missing_characters(tokens: Sequence[str], special: Iterable[str]) -> list[str]:
    """Single-character pieces that a WordPiece vocabulary needs so that no cut of it can get stuck inside a word.

    Greedy matching fails on a word when no piece starts where the last one ended. With every character of the
    vocabulary there as a piece, at a word's start and inside it, some piece always does.
    """
    special = set(special)
    words = [token for token in tokens if token not in special]
    start = {word[0] for word in words if not word.startswith(INNER)}
    inner = {char for word in words for char in (word[2:] if word.startswith(INNER) else word[1:])}
    wanted = sorted(start) + [INNER + char for char in sorted(inner)]
    return [token for token in wanted if token not in set(tokens)]


def cut_vocabulary(encoder: SentenceEncoder, keep: Sequence[str]) -> SentenceEncoder:
    """A new encoder that knows only the tokens of `keep`, with a tokenizer to match; ids are `keep`'s positions.

    Text whose tokens all stay gets the same embeddings as before, to the bit. No text gets an [UNK] that it did not
    get before: characters that occur only in longer pieces are added as pieces of their own (`missing_characters`),
    with the mean embedding of the pieces that hold them.
    """
    old = {token: i for i, token in enumerate(_tokens(encoder.tokenizer))}
    added = missing_characters(list(old), encoder.tokenizer.all_special_tokens)
    table = _table(encoder)
    rows = [table[[old[token] for token in keep]]]
    rows += [
        table[[i for token, i in old.items() if piece.removeprefix(INNER) in token]].mean(0)[None] for piece in added
    ]
    tokenizer = rewrite_tokenizer(encoder.tokenizer, [*keep, *added])
    config = as_pruned_config(encoder)
    config.vocab_size, config.pad_token_id = len(tokenizer), tokenizer.pad_token_id
    backbone = empty_model(config)
    backbone.load_state_dict(encoder.backbone.state_dict() | {_table_name(encoder): torch.cat(rows)})
    out = encoder.with_backbone(backbone)
    out.tokenizer = tokenizer
    return out


def _tokens(tokenizer: PreTrainedTokenizerBase) -> list[str]:
    """Every token in the order of its id."""
    vocabulary = tokenizer.get_vocab()
    return sorted(vocabulary, key=vocabulary.__getitem__)


def _table_name(encoder: SentenceEncoder) -> str:
    factorised = getattr(encoder.backbone.config, "embedding_rank", None)
    return f"embeddings.word_embeddings.{'table.' if factorised else ''}weight"


def _table(encoder: SentenceEncoder) -> Tensor:
    """Rows of the embedding table, or of its left factor."""
    table: Tensor = encoder.backbone.state_dict()[_table_name(encoder)]
    return table


def rewrite_tokenizer(tokenizer: PreTrainedTokenizerBase, tokens: Sequence[str]) -> PreTrainedTokenizerBase:
    """The same tokenizer over other tokens, whose ids are their positions.

    Raises HeadshrinkError for a tokenizer that is no WordPiece.
    """
    ids = {token: i for i, token in enumerate(tokens)}
    with tempfile.TemporaryDirectory() as folder:
        tokenizer.save_pretrained(folder)
        path = Path(folder) / "tokenizer.json"
        content = json.loads(path.read_text(encoding="utf-8"))
        if content["model"].get("type") != "WordPiece":
            raise HeadshrinkError(f"the tokenizer is {content['model'].get('type')}: only WordPiece can be cut")
        content["model"]["vocab"] = ids
        _renumber(content, ids)
        path.write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")
        return AutoTokenizer.from_pretrained(folder)


def _renumber(content: dict[str, Any], ids: dict[str, int]) -> None:
    """Give added and template tokens of a tokenizer.json their new ids."""
    content["added_tokens"] = [entry for entry in content["added_tokens"] if entry["content"] in ids]
    for entry in content["added_tokens"]:
        entry["id"] = ids[entry["content"]]
    for name, entry in (content.get("post_processor") or {}).get("special_tokens", {}).items():
        entry["ids"] = [ids[name]]
