"""Sentences with some words replaced: more text to imitate on (TinyBERT, Jiao et al. 2020, algorithm 1)."""

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import normalize

from headshrink.data.batches import pieces
from headshrink.data.table import Tokens
from headshrink.distillation.masking import mask_id
from headshrink.model import SentenceEncoder, TokenBatch
from headshrink.model.attention import quick_attention
from headshrink.model.mlm_head import MlmHead, word_table
from headshrink.padding import length_batches
from headshrink.parameters.targets import DEFAULTS
from headshrink.progress import track

REPLACED, CANDIDATES = 0.4, 15  # the paper's threshold and number
WORDS_A_PRODUCT = 1024
INNER = "##"  # WordPiece's mark of a piece inside a word


def replaced(
    teacher: SentenceEncoder,
    sentences: Tokens,
    count: int,
    mlm_head: MlmHead | None = None,
    batch_size: int = DEFAULTS.batch_size,
    precision: str = "fp32",
    seed: int = DEFAULTS.seed,
) -> list[str]:
    """The text of `count` of the sentences, each word replaced with a probability of 40% by one of 15 candidates.

    Candidates are the words that the teacher finds most probable in the word's place, the rest of the sentence as it
    was, or without an MLM head those nearest to the word in the teacher's table. A word of several pieces stays: the
    paper takes GloVe's neighbours for it, and a table of pieces has none. Sentences in which nothing was drawn are
    left out. Where `count` is above their number, they come again with other words.
    """
    rng = np.random.default_rng(seed)
    passes = -(-count // len(sentences))
    order = np.concatenate([rng.permutation(len(sentences)) for _ in range(passes)])[:count]
    whole, inner = kinds_of_pieces(teacher)
    drawn = [(sentences[i], places(sentences[i], whole, inner, rng)) for i in order]
    drawn = [(row.copy(), where) for row, where in drawn if len(where)]
    if not drawn:
        return []
    rows = [row for row, where in drawn for _ in where]
    spots = np.concatenate([where for _, where in drawn])
    if mlm_head:
        best = guessed(teacher, mlm_head, rows, spots, whole, batch_size, precision)
    else:
        best = nearest(teacher, np.array([row[spot] for row, spot in zip(rows, spots, strict=True)]), whole)
    for row, spot, some in zip(rows, spots, best, strict=True):
        row[spot] = some[rng.integers(len(some))]  # rows of one sentence are one array
    return teacher.tokenizer.batch_decode([row[1:-1].tolist() for row, _ in drawn])


def kinds_of_pieces(teacher: SentenceEncoder) -> tuple[np.ndarray, np.ndarray]:
    """bool [vocabulary] twice: pieces that are words of letters, and those that stand inside a word."""
    tokens = teacher.tokenizer.convert_ids_to_tokens(list(range(len(teacher.tokenizer))))
    return np.array([token.isalpha() for token in tokens]), np.array([token.startswith(INNER) for token in tokens])


def places(row: np.ndarray, whole: np.ndarray, inner: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Where a sentence's words of one piece are replaced."""
    words = np.flatnonzero(whole[row] & ~np.append(inner[row[1:]], False))
    return words[rng.random(len(words)) < REPLACED]


@torch.inference_mode()
def guessed(
    teacher: SentenceEncoder,
    mlm_head: MlmHead,
    rows: list[np.ndarray],
    spots: np.ndarray,
    whole: np.ndarray,
    batch_size: int,
    precision: str,
) -> np.ndarray:
    """[rows, candidates]: the likeliest words for one place in each row of ids, that place alone behind [MASK]."""
    table, where = word_table(teacher.backbone), torch.from_numpy(spots)
    out = np.empty((len(rows), candidates(whole)), dtype=np.int64)
    with quick_attention(teacher, precision):
        for batch in track(list(length_batches([len(row) for row in rows], batch_size)), "replacing words"):
            tokens = TokenBatch.from_rows([rows[i] for i in batch], teacher.pad_id)
            here = (torch.arange(len(batch)), where[batch])
            was = tokens.input_ids[here]
            tokens.input_ids[here] = mask_id(teacher.tokenizer)
            states = teacher.hidden_states(tokens, precision)[here]
            out[batch] = top(mlm_head(states, table), was, whole)
    return out


@torch.inference_mode()
def nearest(teacher: SentenceEncoder, words: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """[words, candidates]: the words whose rows of the teacher's table point most nearly where a word's own does."""
    table = normalize(word_table(teacher.backbone), dim=-1)
    distinct, inverse = np.unique(words, return_inverse=True)
    parts = [torch.from_numpy(part).long() for part in pieces(distinct, WORDS_A_PRODUCT)]
    return np.concatenate([top(table[part] @ table.T, part, whole) for part in parts])[inverse]


def top(scores: Tensor, was: Tensor, whole: np.ndarray) -> np.ndarray:
    """[rows, candidates]: the ids of the best whole words by scores [rows, vocabulary], but for the one that was."""
    known = scores[:, : len(whole)].masked_fill(torch.from_numpy(~whole).to(scores.device), -torch.inf)
    known[torch.arange(len(was)), was] = -torch.inf
    return known.topk(candidates(whole)).indices.cpu().numpy()


def candidates(whole: np.ndarray) -> int:
    """How many words are chosen from: fewer where the vocabulary has no more."""
    return min(CANDIDATES, int(whole.sum()) - 1)
