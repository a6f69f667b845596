"""An MLM head for a teacher whose checkpoint has none: fitted on the frozen teacher, over its own word table."""

import copy
from collections.abc import Iterator
from dataclasses import replace
from itertools import count, islice

import numpy as np
import torch
from torch import Tensor, nn

from headshrink.data.batches import bucketed, in_order
from headshrink.data.table import Tokens
from headshrink.distillation.masking import masked
from headshrink.distillation.schedule import learning_rate_factor
from headshrink.model import SentenceEncoder, TokenBatch
from headshrink.model.attention import quick_attention
from headshrink.model.mlm_head import MlmHead, word_table
from headshrink.parameters.targets import DEFAULTS
from headshrink.progress import Bar

LEARNING_RATE, WARMUP = 5e-3, 0.05  # high: two small layers above a frozen model, fitted in few steps
HELDOUT_SENTENCES = 2_000


def fit_mlm_head(
    teacher: SentenceEncoder,
    train: Tokens,
    heldout: Tokens,
    steps: int,
    start: MlmHead | None = None,
    batch_size: int = DEFAULTS.batch_size,
    precision: str = "fp32",
    seed: int = DEFAULTS.seed,
) -> tuple[MlmHead, float]:
    """A head after so many steps on batches of sentences, frozen, and its perplexity on held-out ones.

    The teacher and its word table stay as they are. It starts from `start` where that is given, else at random, its
    bias the log frequency of each piece, which spares it learning how often words occur. The same arguments give the
    same bytes on a CPU. Raises HeadshrinkError for a tokenizer without [MASK].
    """
    with torch.random.fork_rng(), quick_attention(teacher, precision):
        torch.manual_seed(seed)
        mlm_head = copy.deepcopy(start) if start else untrained(teacher, train)
        mlm_head.to(teacher.device).requires_grad_(True).train()
        optimiser = torch.optim.AdamW(mlm_head.parameters(), LEARNING_RATE, weight_decay=0.0)
        with Bar("fitting the MLM head", steps) as bar:
            for step, indices in enumerate(islice(batches(train, batch_size, seed), steps)):
                loss = cross_entropy(teacher, mlm_head, [train[i] for i in indices], precision).mean()
                optimiser.zero_grad()
                loss.backward()
                nn.utils.clip_grad_norm_(mlm_head.parameters(), 1.0)
                optimiser.param_groups[0]["lr"] = LEARNING_RATE * learning_rate_factor(step, steps, WARMUP, "linear")
                optimiser.step()
                bar.advance(note=f"loss {loss.item():.3f}")
        mlm_head.requires_grad_(False).eval()
        return mlm_head, perplexity(teacher, mlm_head, heldout, batch_size, precision, seed)


def untrained(teacher: SentenceEncoder, train: Tokens) -> MlmHead:
    """Random weights, and a bias that expects each piece as often as the text has it."""
    mlm_head = MlmHead(teacher.backbone.config)
    counts = np.sum([np.bincount(ids, minlength=len(mlm_head.bias)) for ids in train.blocks()], axis=0)
    mlm_head.bias.data = torch.from_numpy(np.log((counts + 1) / (counts + 1).sum())).float()
    return mlm_head


def batches(sentences: Tokens, batch_size: int, seed: int) -> Iterator[np.ndarray]:
    """Indices of sentences of similar length, epoch after epoch."""
    for epoch in count():
        yield from bucketed(sentences.lengths, batch_size, seed, epoch)


def cross_entropy(teacher: SentenceEncoder, mlm_head: MlmHead, rows: list[np.ndarray], precision: str) -> Tensor:
    """[guessed]: what the head loses on pieces of some sentences, drawn by torch's generator."""
    batch = TokenBatch.from_rows(rows, teacher.pad_id).to(teacher.device)
    read, where = masked(batch.input_ids, teacher.tokenizer)
    with torch.no_grad():
        states = teacher.hidden_states(replace(batch, input_ids=read), precision)[where]
    logits = mlm_head(states, word_table(teacher.backbone).detach())
    return nn.functional.cross_entropy(logits, batch.input_ids[where], reduction="none")


@torch.no_grad()
def perplexity(
    teacher: SentenceEncoder,
    mlm_head: MlmHead,
    heldout: Tokens,
    batch_size: int = DEFAULTS.batch_size,
    precision: str = "fp32",
    seed: int = DEFAULTS.seed,
) -> float:
    """exp of the mean cross-entropy over masked pieces of held-out sentences, the same ones every time."""
    chosen = np.linspace(0, len(heldout) - 1, min(len(heldout), HELDOUT_SENTENCES), dtype=int)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        losses = [
            cross_entropy(teacher, mlm_head, [heldout[i] for i in chosen[indices]], precision)
            for indices in in_order(heldout.lengths[chosen], batch_size)
        ]
    return torch.cat(losses).mean().exp().item()
