"""Embeddings of each distinct text, computed once for all tasks, and word vectors for the tasks on words."""

from collections.abc import Callable, Iterable, Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from headshrink.benchmarking.journal import Journals, Shapes, Table
from headshrink.benchmarking.models import NORMALISED, Model
from headshrink.errors import HeadshrinkError
from headshrink.padding import length_batches
from headshrink.parameters.benchmark import DEFAULTS

# The protocol's limit for sentences, special tokens included. Word tasks have longer texts: a batch of them holds no
# more tokens than a batch of whole sentences, and so needs no more memory.
SENTENCE_TOKENS = 128
IN_MEMORY = Journals()


def refuse_nan(model: Model, vectors: NDArray[np.float32], texts: Sequence[str]) -> None:
    """HeadshrinkError that names the model and the first text whose vectors [texts, ...] hold NaN or infinity."""
    finite = np.isfinite(vectors).reshape(len(vectors), -1).all(1)
    if not finite.all():
        text = texts[int(np.argmin(finite))]
        raise HeadshrinkError(f"{model.name} gives NaN for {text!r}: every embedding must be finite")


class Embeddings:
    """Plain poolings of distinct texts: `table[pooling]` is [texts, dimension], `row` finds a text in it."""

    def __init__(self, row: dict[str, int], table: dict[str, NDArray[np.float32]]) -> None:
        self.row, self.table = row, table

    def vectors(self, texts: Sequence[str], pooling: str) -> NDArray[np.float32]:
        """Embeddings of texts, repetitions allowed, [texts, dimension]; normalised ones are made here, not kept."""
        plain = self.table[pooling.removesuffix(NORMALISED)][[self.row[text] for text in texts]]
        if not pooling.endswith(NORMALISED):
            return plain
        return torch.nn.functional.normalize(torch.from_numpy(plain), dim=-1).numpy()


def embed(
    model: Model, texts: Iterable[str], batch_size: int = DEFAULTS.batch_size, journals: Journals = IN_MEMORY
) -> Embeddings:
    """Embed every distinct text once, all poolings from one forward pass; scores do not depend on `batch_size`.

    Raises HeadshrinkError for an embedding that is not finite.
    """
    distinct = list(dict.fromkeys(texts))
    ids = model.tokenise(distinct, SENTENCE_TOKENS) if distinct else []
    widths = {pooling: vectors.shape[1] for pooling, vectors in model.pooled(ids[:1]).items()} if ids else {}
    shapes = {pooling: (len(ids), width) for pooling, width in widths.items()}
    table = table_of(model, [str(batch_size), *distinct], shapes, journals)

    def fill(batch: list[int]) -> None:
        for pooling, vectors in model.pooled([ids[i] for i in batch]).items():
            refuse_nan(model, vectors, [distinct[i] for i in batch])
            table.arrays[pooling][batch] = vectors

    fill_rows(table, fill, [len(row) for row in ids], batch_size, f"embedding with {model.name}")
    return Embeddings({text: i for i, text in enumerate(distinct)}, table.arrays)


def table_of(model: Model, key: list[str], shapes: Shapes, journals: Journals) -> Table:
    """The table of a model's vectors; in memory where the model's files are not known."""
    return (journals if model.sha256 else IN_MEMORY).table(model.sha256, [model.device, *key], shapes)


def fill_rows(
    table: Table, fill: Callable[[list[int]], None], lengths: list[int], batch_size: int, description: str
) -> None:
    """Fill a table in batches of texts of similar length, with no more tokens than `batch_size` whole sentences."""
    batches = list(length_batches(lengths, batch_size, batch_size * SENTENCE_TOKENS))
    table.fill(fill, batches, lengths, description)


def word_vectors(
    model: Model,
    texts: Sequence[Sequence[str]],
    batch_size: int = DEFAULTS.batch_size,
    journals: Journals = IN_MEMORY,
) -> NDArray[np.floating]:
    """Mean of each word's pieces in the last hidden states, [words of all texts, hidden]; each text is a list of words.

    A word without pieces, mostly because the text was cut at the model's limit, is zeros. As in the protocol the
    matrix is then float64 as a whole, else float32: the classifier that reads it is sensitive to that.
    """
    split = [list(words) for words in texts]
    encoded = model.tokenizer(split, is_split_into_words=True, truncation=True, max_length=model.longest)
    ids = encoded["input_ids"]
    starts = np.cumsum([0, *map(len, texts)])
    key = [str(batch_size), "words", *(word for words in split for word in [*words, ""])]
    table = table_of(model, key, {"words": (int(starts[-1]), model.states(ids[:1]).shape[2])}, journals)

    def fill(batch: list[int]) -> None:
        for i, states in zip(batch, model.states([ids[i] for i in batch]), strict=True):
            refuse_nan(model, states[None, : len(ids[i])], [" ".join(texts[i])])
            found = text_word_vectors(states, encoded.word_ids(i), len(texts[i]))
            table.arrays["words"][starts[i] : starts[i + 1]] = found

    fill_rows(table, fill, [len(row) for row in ids], batch_size, f"word vectors with {model.name}")
    present = sum(len({word for word in encoded.word_ids(i) if word is not None}) for i in range(len(ids)))
    return np.asarray(table.arrays["words"], dtype=np.float32 if present == starts[-1] else np.float64)


def text_word_vectors(states: NDArray[np.float32], word_ids: Sequence[int | None], words: int) -> NDArray[np.float32]:
    """Word vectors [words, hidden] of one text from the states of its pieces; zeros where a word has no piece.

    Words of as many pieces are averaged together, piece by piece as `np.mean` over one word would: bit for bit the
    protocol's vectors.
    """
    places = np.array([i for i, word in enumerate(word_ids) if word is not None], dtype=np.int64)
    word_of = np.array([word for word in word_ids if word is not None], dtype=np.int64)
    present, first, pieces = np.unique(word_of, return_index=True, return_counts=True)
    vectors = np.zeros((words, states.shape[1]), dtype=np.float32)
    for count in np.unique(pieces):
        chosen = pieces == count
        vectors[present[chosen]] = np.mean(states[places[first[chosen][:, None] + np.arange(count)]], axis=1)
    return vectors
