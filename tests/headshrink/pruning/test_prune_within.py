"""A budget met by every kind of cut, in the model that comes out."""

import pytest
import torch

from headshrink.errors import HeadshrinkError
from headshrink.importance import pair_batches, score
from headshrink.model import load_encoder, save_encoder
from headshrink.pruning.within import Budget, Shaper, prune_within
from headshrink.trimming.token_counts import count_tokens

TEXTS = [f"{a} {b} {c}" for a in ("the cat", "a big dog", "кошка", "мужчина") for b in ("sees", "читает", "in") for c in ("house", "дом", "a tree")]  # fmt: skip # noqa: E501
EVERYTHING = ("hidden", "embedding", "vocabulary")


@pytest.fixture
def known(tiny_encoder):
    """Scores, batches and counts of the tiny encoder."""
    ids = tiny_encoder.tokenise(TEXTS)
    batches = list(pair_batches(ids, ids[::-1], tiny_encoder.tokenizer.pad_token_id, batches=100, batch_size=12))
    scores = score(tiny_encoder, batches, ["obs"], "teacher_distance")["obs"]
    return scores, batches, count_tokens(ids, len(tiny_encoder.tokenizer))


@pytest.mark.parametrize(("measure", "share"), [("parameters", 0.5), ("bytes", 0.45)])
def test_a_budget_that_heads_and_neurons_alone_cannot_reach(tiny_encoder, known, tmp_path, measure, share):
    with pytest.raises(HeadshrinkError, match="the smallest is"):
        prune_within(tiny_encoder, Budget(measure, 0.2), *known)
    small, plan, _ = prune_within(tiny_encoder, Budget(measure, share, EVERYTHING, {"heads": 1, "ffn": 1}), *known)
    found = sum(weight.numel() for weight in small.parameters())
    assert found / sum(weight.numel() for weight in tiny_encoder.parameters()) == pytest.approx(share, rel=0.02)
    assert len(plan.heads) == 2
    save_encoder(small, tmp_path / "small")
    assert abs(load_encoder(tmp_path / "small").encode(TEXTS) - small.encode(TEXTS)).max() == 0
    assert small.encode(TEXTS).shape == tiny_encoder.encode(TEXTS).shape


def test_a_budget_in_flops_leaves_embeddings_alone(tiny_encoder, known):
    small, _, body = prune_within(tiny_encoder, Budget("flops", 0.5, multiples={"heads": 1, "ffn": 1}), *known)
    assert (body.rank, body.vocabulary) == (None, len(tiny_encoder.tokenizer))
    assert small.tokenizer is tiny_encoder.tokenizer


def test_losses_of_bodies_rise_with_what_is_cut_and_the_own_body_costs_nothing(tiny_encoder, known):
    _, batches, counts = known
    bodies = Shaper(tiny_encoder, batches, counts).bodies(("embedding", "vocabulary"))
    assert bodies[0].loss == 0
    ranks = [body for body in bodies if body.vocabulary == bodies[0].vocabulary and body.rank]
    losses = [body.loss for body in sorted(ranks, key=lambda body: body.rank)]
    assert losses == sorted(losses, reverse=True)
    assert len(losses) > 1


def test_repair_of_a_narrow_encoder_brings_it_nearer(tiny_encoder, known):
    shaper = Shaper(tiny_encoder, *known[1:])
    body = next(body for body in shaper.bodies(("hidden",)) if body.hidden == 24)
    broken = shaper.shape(shaper.with_hidden(shaper.whole, body), body)
    assert body.loss < shaper.loss(broken)
    assert torch.isfinite(torch.tensor(body.loss))
