"""Cuts beside heads and neurons: layers, hidden width, embedding rank; each against what it must equal."""

import copy

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torch import nn
from transformers.models.bert.modeling_bert import BertPooler

import headshrink as hs
from headshrink.errors import HeadshrinkError
from headshrink.importance import pair_batches
from headshrink.model import load_encoder, save_encoder
from headshrink.pruning import Plan, cut
from headshrink.pruning.embedding import factorise, low_rank
from headshrink.pruning.layers import choose_layers, keep_layers
from headshrink.pruning.width import cut_width, dimension_scores

TEXTS = ["the big cat sleeps in the house", "кошка спит", "a man reads", "не видит дом"]
SLOW_FIXTURE = settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def difference(one, other, texts=TEXTS):
    return abs(one.encode(texts) - other.encode(texts)).max()


def batches_of(encoder):
    en, ru = encoder.tokenise(TEXTS), encoder.tokenise(TEXTS[::-1])
    return list(pair_batches(en, ru, encoder.tokenizer.pad_token_id, batches=2, batch_size=2))


class NarrowNorm(nn.Module):
    """LayerNorm whose mean and variance run over the kept dimensions; 0 elsewhere."""

    def __init__(self, norm, kept):
        super().__init__()
        self.norm, self.kept = norm, kept

    def forward(self, states):
        kept, out = states[..., self.kept], torch.zeros_like(states)
        weight, bias = self.norm.weight[self.kept], self.norm.bias[self.kept]
        out[..., self.kept] = nn.functional.layer_norm(kept, (len(self.kept),), weight, bias, self.norm.eps)
        return out


@SLOW_FIXTURE
@given(kept=st.sets(st.integers(0, 31), min_size=8).map(sorted), pooling=st.sampled_from(["mean", "cls", "pooler"]))
def test_hidden_width_equals_a_layernorm_over_the_kept_dimensions(tiny_encoder, kept, pooling):
    tiny_encoder.pooling, tiny_encoder.backbone.pooler = pooling, BertPooler(tiny_encoder.backbone.config)
    gated = copy.deepcopy(tiny_encoder)
    for part in list(gated.backbone.modules()):
        if hasattr(part, "LayerNorm"):
            part.LayerNorm = NarrowNorm(part.LayerNorm, kept)
    assert difference(cut_width(tiny_encoder, kept), gated) < 1e-5


def test_hidden_width_of_a_pruned_encoder_with_a_dense_layer_reloads(tiny_encoder, tmp_path):
    tiny_encoder.dense = nn.Sequential(nn.Linear(32, 20), nn.Tanh())
    small = cut(tiny_encoder, Plan([[0, 2], []], [list(range(9)), []]))
    narrow = cut_width(small, list(range(0, 32, 2)))
    assert narrow.dimension == 20
    save_encoder(narrow, tmp_path / "narrow")
    assert difference(load_encoder(tmp_path / "narrow"), narrow) == 0


def test_embeddings_of_a_narrow_encoder_are_as_long_as_the_teachers(tiny_encoder, tmp_path):
    narrow = cut_width(tiny_encoder, [0, 1, 5, 9])
    save_encoder(narrow, tmp_path / "narrow")
    assert load_encoder(tmp_path / "narrow").encode(TEXTS).shape == (4, 32)


def test_a_dead_dimension_scores_zero(tiny_encoder):
    norms = [part for name, part in tiny_encoder.named_modules() if name.endswith("LayerNorm")]
    with torch.no_grad():
        for norm in norms:
            norm.weight[3] = norm.bias[3] = 0
    scores = dimension_scores(tiny_encoder, batches_of(tiny_encoder))
    assert scores[3] == 0
    assert (scores == 0).sum() == 1


def test_an_exception_leaves_neither_hooks_nor_frozen_weights(tiny_encoder):
    def broken():
        yield batches_of(tiny_encoder)[0]
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        dimension_scores(tiny_encoder, broken())
    assert all(weight.requires_grad for weight in tiny_encoder.parameters())
    assert not any(part._forward_hooks or part._forward_pre_hooks for part in tiny_encoder.modules())


@pytest.mark.parametrize("gone", [0, 1])
def test_dropping_a_layer_equals_its_gate_at_zero(tiny_encoder, gone):
    gated = copy.deepcopy(tiny_encoder)
    gated.backbone.encoder.layer[gone].register_forward_hook(lambda _, args, out: args[0] + 0.0 * (out - args[0]))
    assert difference(keep_layers(tiny_encoder, [1 - gone]), gated) < 1e-5


def test_a_layer_that_does_nothing_is_the_first_to_go(tiny_encoder):
    layer = tiny_encoder.backbone.encoder.layer[0]
    with torch.no_grad():
        for output in (layer.attention.output, layer.output):
            output.dense.weight.zero_()
            output.dense.bias.zero_()
    assert choose_layers(tiny_encoder, 1, batches_of(tiny_encoder)) == [1]


def test_factors_are_the_best_of_their_rank_where_tokens_are_frequent(tiny_encoder):
    torch.manual_seed(0)
    table, counts = torch.randn(50, 8), torch.randint(0, 100, (50,))
    left, right = low_rank(table, 3, counts)
    weights = (counts + 1.0).sqrt()[:, None]
    error = ((left @ right - table) * weights).square().sum()
    spectrum = torch.linalg.svdvals(table * weights)
    assert float(error) == pytest.approx(float(spectrum[3:].square().sum()), rel=1e-4)


def test_factorised_encoder_computes_with_the_product_and_reloads(tiny_encoder, tmp_path):
    counts = torch.ones(len(tiny_encoder.tokenizer))
    small = factorise(tiny_encoder, 5, counts)
    dense = copy.deepcopy(tiny_encoder)
    left, right = low_rank(dense.backbone.embeddings.word_embeddings.weight.detach(), 5, counts)
    with torch.no_grad():
        dense.backbone.embeddings.word_embeddings.weight.copy_(left @ right)
    assert difference(small, dense) < 1e-5
    save_encoder(small, tmp_path / "small")
    assert difference(load_encoder(tmp_path / "small"), small) == 0
    with pytest.raises(HeadshrinkError, match="saves nothing"):
        factorise(tiny_encoder, 31, counts)


def test_all_kinds_of_cut_together(tiny_encoder, tmp_path):
    small = hs.trim(tiny_encoder, {"en": TEXTS})
    small = factorise(small, 6, torch.ones(len(small.tokenizer)))
    small = cut_width(cut(small, Plan([[1], [0, 1, 2]], [[], list(range(20))])), list(range(24)))
    small = keep_layers(small, [1])
    save_encoder(small, tmp_path / "small")
    assert difference(load_encoder(tmp_path / "small"), small) == 0
