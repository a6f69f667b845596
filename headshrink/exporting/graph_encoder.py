"""Embedding texts with an exported graph and its tokenizer.json: what every runtime's encoder shares."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from tokenizers import Tokenizer

from headshrink.errors import HeadshrinkError
from headshrink.padding import length_batches, padded
from headshrink.truncation import complete_tokenizer, truncated_ids

TOKENIZER = "tokenizer.json"
INPUTS = ("input_ids", "attention_mask")
OUTPUT = "sentence_embedding"
STATES = "token_embeddings"  # the last hidden states below its pooling; the name that sentence-transformers gives them
MAX_TOKENS = "max_tokens"  # in the graph's metadata: the longest text it takes

Run = Callable[[np.ndarray, np.ndarray], np.ndarray]  # ids, mask: int64 [batch, tokens] -> float32 [batch, dimension]


class GraphEncoder:
    """A graph that embeds padded ids, with the `encode` of SentenceEncoder.

    `run` must bear being called from several threads and use one core a call: whole batches share the cores better
    than the parts of one do. `workers` batches run at a time.
    """

    def __init__(self, run: Run, dimension: int, tokenizer: Tokenizer, workers: int) -> None:
        self.run, self.dimension, self.tokenizer, self.workers = run, dimension, tokenizer, workers
        self.padding_id = (tokenizer.padding or {"pad_id": 0})["pad_id"]
        tokenizer.no_padding()  # done by the batch, once lengths are known

    def tokenise(self, texts: Sequence[str]) -> list[list[int]]:
        """Token ids of each text, cut as the tokenizer says."""

        def ids(parts: list[str]) -> list[list[int]]:
            return [row.ids for row in self.tokenizer.encode_batch_fast(parts)]

        cut = self.tokenizer.truncation
        if cut is None:
            return ids(list(texts))
        return truncated_ids(ids, self.tokenizer, texts, cut["max_length"], cut["direction"])

    def encode(self, texts: Sequence[str], batch_size: int = 32) -> np.ndarray:
        """Embed texts in batches of similar length: float32 [texts, dimension], in the order given."""
        rows = self.tokenise(texts)
        out: np.ndarray = np.empty((len(rows), self.dimension), dtype=np.float32)
        batches = list(length_batches([len(row) for row in rows], batch_size))

        def embed(batch: list[int]) -> None:
            out[batch] = self.run(*padded([rows[i] for i in batch], self.padding_id))

        if self.workers == 1 or len(batches) == 1:
            for batch in batches:
                embed(batch)
        else:
            with ThreadPoolExecutor(self.workers) as pool:
                list(pool.map(embed, batches))
        return out


def read_tokenizer(path: Path) -> Tokenizer:
    """An exported tokenizer.json, which truncates by itself; HeadshrinkError where it is missing or damaged."""
    if not path.is_file():
        raise HeadshrinkError(f"no {path.name} in {path.parent}: an exported graph and its tokenizer belong together")
    try:
        return Tokenizer.from_file(str(path))
    except Exception as error:  # tokenizers raises no narrower class
        raise HeadshrinkError(f"cannot read {path} ({error}): an exported {path.name} is needed") from error


def text_reader(encoder: Any) -> Tokenizer:
    """The tokenizer of a SentenceEncoder that gives by itself what `tokenise` gives: prompt, length and side."""
    python = encoder.tokenizer
    state, side = python.backend_tokenizer.to_str(), python.truncation_side
    tokenizer = complete_tokenizer(state, encoder.max_length, side, encoder.settings.prompt)
    tokenizer.enable_padding(pad_id=python.pad_token_id, pad_token=python.pad_token)
    return tokenizer


def write_tokenizer(encoder: Any, path: Path) -> None:
    """The tokenizer with truncation and padding switched on, so that `encode_batch` gives what the graph takes.

    `encoder` is a SentenceEncoder, whose module this one must not import: a graph's user has no torch.
    """
    state = text_reader(encoder).to_str(pretty=True)
    path.write_text(state, encoding="utf-8")  # tokenizers' save raises bare Exceptions
