"""Embeddings of each distinct text, computed once for all tasks, and word vectors for the tasks on words."""

from collections.abc import Iterable, Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from headshrink.benchmarking.journal import Journals, Shapes, Table
from headshrink.benchmarking.models import NORMALISED, Model
from headshrink.errors import HeadshrinkError
from headshrink.parameters.benchmark import DEFAULTS
from headshrink.text.padding import length_batches

SENTENCE_TOKENS = 128  # the protocol's limit for sentences, special tokens included
MEAN_TOKENS = 32  # a batch holds at most batch_size times so many tokens: the longest texts need no more memory
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
    return embed_groups(model, [texts], batch_size, journals)[0]


def embed_groups(
    model: Model,
    groups: Iterable[Iterable[str]],
    batch_size: int = DEFAULTS.batch_size,
    journals: Journals = IN_MEMORY,
) -> list[Embeddings]:
    """As `embed`, groups of texts in one go; a batch holds texts of one group, so no other group changes its bits."""
    rows = [{text: i for i, text in enumerate(dict.fromkeys(texts))} for texts in groups]
    texts = [text for row in rows for text in row]
    ids = model.tokenise(texts, SENTENCE_TOKENS) if texts else []
    widths = {pooling: vectors.shape[1] for pooling, vectors in model.pooled(ids[:1]).items()} if ids else {}
    shapes = {pooling: (len(ids), width) for pooling, width in widths.items()}
    table = table_of(model, [str([batch_size, *map(len, rows)]), *texts], shapes, journals)

    def fill(batch: list[int]) -> None:
        for pooling, vectors in model.pooled([ids[i] for i in batch]).items():
            refuse_nan(model, vectors, [texts[i] for i in batch])
            table.arrays[pooling][batch] = vectors

    lengths = [len(row) for row in ids]
    batches = batches_of(lengths, [len(row) for row in rows], batch_size)
    table.fill(fill, batches, lengths, f"embedding with {model.name}")
    starts = np.cumsum([0, *map(len, rows)])
    return [
        Embeddings(row, {pooling: array[start : start + len(row)] for pooling, array in table.arrays.items()})
        for row, start in zip(rows, starts[:-1], strict=True)
    ]


def table_of(model: Model, key: list[str], shapes: Shapes, journals: Journals) -> Table:
    """The table of a model's vectors; in memory where the model's files are not known."""
    return (journals if model.sha256 else IN_MEMORY).table(model.sha256, [model.device, *key], shapes)


def batches_of(lengths: Sequence[int], sizes: Sequence[int], batch_size: int) -> list[list[int]]:
    """Numbers of rows in batches of similar length, apart for consecutive groups of so many rows.

    A batch holds no more tokens than `batch_size` texts of MEAN_TOKENS tokens, whatever the longest text.
    """
    found, start = [], 0
    for size in sizes:
        group = lengths[start : start + size]
        batches = length_batches(group, batch_size, batch_size * MEAN_TOKENS)
        found += [[start + i for i in batch] for batch in batches]
        start += size
    return found


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

    lengths = [len(row) for row in ids]
    table.fill(fill, batches_of(lengths, [len(ids)], batch_size), lengths, f"word vectors with {model.name}")
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
