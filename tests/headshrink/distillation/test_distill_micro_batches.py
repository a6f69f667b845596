"""Batches above the bound of tokens: computed in parts, with the gradient of the whole."""

import copy
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from tiny_training import SHARED

from headshrink.data.batches import micro_batches
from headshrink.data.table import SentenceTable, Targets, Tokens
from headshrink.distillation.gradients import add_gradient
from headshrink.distillation.losses import LOSSES, ON_EMBEDDINGS, Need, Outputs
from headshrink.distillation.trainer import Trainer
from headshrink.distillation.training_data import Reference, TrainingData

MOST = 40  # padded tokens: two or three of the pairs here
RECIPE = replace(SHARED, losses={"cosine": 1.0}, dropout=0.0, word_dropout=0.0, ema=0.0, batch_size=16)


@given(st.lists(st.integers(1, 60), min_size=1, max_size=40), st.integers(2, 400))
def test_parts_hold_every_row_once_within_the_bound(widths, most):
    lengths, rows = np.array([*widths, *widths[::-1]]), len(widths)
    halves = np.arange(2 * rows).reshape(2, rows)
    parts = micro_batches(halves, lengths, most)
    for part in parts:
        assert part.size * lengths[part].max() <= most or part.shape[1] == 1
    assert sorted(np.concatenate(parts, axis=1).T.tolist()) == halves.T.tolist()


def test_a_batch_within_the_bound_stays_as_it_is():
    halves = np.array([[3, 1], [0, 2]])
    (part,) = micro_batches(halves, np.array([5, 5, 4, 2]), 20)
    assert part is halves


@pytest.mark.parametrize("name", sorted(name for name in LOSSES if LOSSES[name].needs <= ON_EMBEDDINGS))
def test_a_loss_on_embeddings_is_a_mean_over_pairs_or_needs_the_whole_batch(name):
    generator = torch.Generator().manual_seed(0)
    student, teacher = (Outputs(*torch.randn(2, 8, 6, generator=generator)) for _ in range(2))
    halves = [slice(0, 2), slice(2, 8)]
    parts = [LOSSES[name](*(Outputs(side.en[rows], side.ru[rows]) for side in (student, teacher))) for rows in halves]
    is_mean = torch.isclose((2 * parts[0] + 6 * parts[1]) / 8, LOSSES[name](student, teacher))
    assert is_mean == (Need.WHOLE_BATCH not in LOSSES[name].needs)


def spied_passes(trainer, monkeypatch):
    """Sizes and embeddings of the student's passes to come."""
    passes, embed = [], trainer.student.embed_batch

    def spy(batch, precision):
        embeddings = embed(batch, precision)
        passes.append((batch.input_ids.numel(), embeddings.detach().clone()))
        return embeddings

    monkeypatch.setattr(trainer.student, "embed_batch", spy)
    return passes


@pytest.mark.parametrize(
    ("losses", "passes_per_part"),
    [
        ({"cosine": 1.0, "similarity": 0.2, "mse": 1.0}, 1),
        ({"ranking": 1.0, "cosine": 0.5}, 2),
        ({"relational": 1.0, "prediction": (0.0, 1.0)}, 2),
    ],
)
def test_parts_have_the_gradient_of_the_whole(losses, passes_per_part, student, train, heldout, monkeypatch):
    recipe = replace(RECIPE, losses=losses, queue=12 if "ranking" in losses else 0)
    whole, parted = (
        Trainer(copy.deepcopy(student), TrainingData(train, heldout), replace(recipe, micro_batch_tokens=most))
        for most in (8192, MOST)
    )
    passes, values = spied_passes(parted, monkeypatch), []
    for trainer in (whole, parted):
        trainer.progress.step = 1  # after a step, whose pairs are in the queue
        (batch,) = trainer.steps.batches(1)[:1]
        values.append(add_gradient(trainer, 0, batch, 0.5))
    assert values[1] == pytest.approx(values[0], rel=1e-5)
    for (name, one), other in zip(whole.parameters.items(), parted.parameters.values(), strict=True):
        if one.grad is not None:
            torch.testing.assert_close(other.grad, one.grad, rtol=1e-3, atol=1e-6, msg=name)
    parts = micro_batches(batch, train.tokens.lengths, MOST)
    assert len(parts) > 3
    assert [tokens for tokens, _ in passes] == [p.size * train.tokens.lengths[p].max() for p in parts] * passes_per_part
    assert max(tokens for tokens, _ in passes) <= MOST


def test_both_passes_of_a_part_draw_the_same(student, train, heldout, tiny_encoder, monkeypatch):
    """With layers beside a loss on the whole batch, dropout and word dropout."""
    losses = {"ranking": 1.0, "hidden": 0.1}
    recipe = replace(RECIPE, losses=losses, dropout=0.1, word_dropout=0.2, micro_batch_tokens=MOST)
    trainer = Trainer(student, TrainingData(train, heldout, Reference(tiny_encoder)), recipe)
    trainer.student.train()
    passes = spied_passes(trainer, monkeypatch)
    add_gradient(trainer, 0, trainer.steps.batches(0)[0], 1.0)
    embeddings = [embeddings for _, embeddings in passes]
    first, second = embeddings[: len(passes) // 2], embeddings[len(passes) // 2 :]
    for one, other in zip(first, second, strict=True):
        torch.testing.assert_close(one, other)
    assert not torch.equal(first[0][:2], first[1][:2])


def test_sentences_without_translation_have_no_loss_on_translations(student, train, heldout, tiny_encoder):
    """A batch of them in parts, where ranking is the only loss on the whole batch."""
    targets = [Targets.from_array(train.targets[0].take(np.arange(20)))]
    more = train.followed_by(
        SentenceTable.of_single(Tokens.from_rows([train.tokens[i] for i in range(20)]), ["en"] * 20, targets)
    )
    recipe = replace(RECIPE, losses={"ranking": 1.0, "cosine": 1.0}, micro_batch_tokens=MOST)
    trainer = Trainer(student, TrainingData(more, heldout), recipe)
    single = next(batch for batch in trainer.steps.first_epoch() if batch.min() >= 2 * more.pairs)
    alone = Trainer(copy.deepcopy(student), TrainingData(more, heldout), replace(recipe, losses={"cosine": 1.0}))
    assert add_gradient(trainer, 0, single, 1.0) == pytest.approx(add_gradient(alone, 0, single, 1.0), rel=1e-5)
