"""Repair without training: what least squares can put back, it puts back."""

import copy

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from headshrink.importance import pair_batches
from headshrink.importance.moments import Moments
from headshrink.model.sites import KINDS, sites
from headshrink.pruning import Plan, cut
from headshrink.pruning.repair import BlockwisePass, refit_readers, repair

TEXTS = [f"{a} {b} {c}" for a in ("the cat", "a big dog", "кошка", "мужчина") for b in ("sees", "читает", "in") for c in ("house", "дом", "a tree")]  # fmt: skip # noqa: E501
WHOLE = Plan([list(range(4)) for _ in range(2)], [list(range(64)) for _ in range(2)])


def batches_of(encoder):
    ids = encoder.tokenise(TEXTS)
    return list(pair_batches(ids, ids[::-1], encoder.tokenizer.pad_token_id, batches=100, batch_size=12))


def distance(one, other):
    return abs(one.encode(TEXTS) - other.encode(TEXTS)).max()


def plant_duplicate_neuron(encoder, layer, original, copied):
    block = encoder.backbone.encoder.layer[layer]
    with torch.no_grad():
        block.intermediate.dense.weight[copied] = block.intermediate.dense.weight[original]
        block.intermediate.dense.bias[copied] = block.intermediate.dense.bias[original]


def plant_duplicate_head(encoder, layer, original, copied):
    own, size = encoder.backbone.encoder.layer[layer].attention.self, 8
    with torch.no_grad():
        for linear in (own.query, own.key, own.value):
            for part in (linear.weight, linear.bias):
                part[copied * size : (copied + 1) * size] = part[original * size : (original + 1) * size]


@settings(max_examples=4, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    layer=st.integers(0, 1),
    units=st.permutations(range(4)),
    neurons=st.permutations(range(64)),
    method=st.sampled_from(["outputs", "full"]),
)
def test_repair_restores_a_cut_duplicate(tiny_encoder, layer, units, neurons, method):
    teacher = copy.deepcopy(tiny_encoder)
    plant_duplicate_head(teacher, layer, units[0], units[1])
    plant_duplicate_neuron(teacher, layer, neurons[0], neurons[1])
    heads, ffn = copy.deepcopy(WHOLE.heads), copy.deepcopy(WHOLE.ffn)
    heads[layer].remove(units[1])
    ffn[layer].remove(neurons[1])
    plan = Plan(heads, ffn)
    pruned = cut(teacher, plan)
    before = distance(teacher, pruned)
    repair(teacher, pruned, plan, batches_of(teacher), method, ridge=1e-6)
    assert distance(teacher, pruned) < 1e-4 < before


def test_repair_of_an_uncut_model_changes_nothing(tiny_encoder):
    pruned = cut(tiny_encoder, WHOLE)
    repair(tiny_encoder, pruned, WHOLE, batches_of(tiny_encoder))
    assert distance(tiny_encoder, pruned) < 1e-4


@pytest.mark.parametrize("method", ["bias", "outputs", "full"])
def test_embeddings_of_an_uneven_model_come_nearer_to_the_teachers(tiny_encoder, method):
    plan = Plan([[0, 2], []], [list(range(20)), list(range(30))])
    pruned = cut(tiny_encoder, plan)
    broken = copy.deepcopy(pruned)
    repair(tiny_encoder, pruned, plan, batches_of(tiny_encoder), method)
    theirs, before, after = (torch.as_tensor(encoder.encode(TEXTS)) for encoder in (tiny_encoder, broken, pruned))
    assert (theirs * after).sum(1).mean() > (theirs * before).sum(1).mean() + 0.02


def test_bias_alone_leaves_the_weights(tiny_encoder):
    plan = Plan([[0], [1]], [list(range(20)), []])
    pruned = cut(tiny_encoder, plan)
    weights = [site.dense.weight.clone() for site in sites(pruned.backbone) if site.units]
    repair(tiny_encoder, pruned, plan, batches_of(tiny_encoder), "bias")
    assert all(torch.equal(a, s.dense.weight) for a, s in zip(weights, [s for s in sites(pruned.backbone) if s.units]))  # noqa: B905


def test_readers_that_read_drifted_states_give_the_teachers_activations_again(tiny_encoder):
    """A linear map of the hidden states in front of a block is undone by the block's readers."""
    pruned = cut(tiny_encoder, WHOLE)
    norm = pruned.backbone.encoder.layer[0].output.LayerNorm
    with torch.no_grad():
        norm.weight.mul_(1.5)
        norm.bias.add_(0.3)
    sides = [side for batch in batches_of(tiny_encoder) for side in batch.sides]
    with torch.no_grad():
        theirs, ours = (BlockwisePass(encoder, sides) for encoder in (tiny_encoder, pruned))
        for walk in (theirs, ours):
            for kind in KINDS:
                walk.advance(0, kind)
        before, wanted = ours.inputs(1, "heads", 0), theirs.inputs(1, "heads", 0)
        refit_readers(theirs, ours, 1, "heads", WHOLE.heads[1], ridge=1e-6)
    kept = theirs.masks[0].bool()
    assert (ours.inputs(1, "heads", 0) - wanted)[kept].abs().max() < 1e-4 < (before - wanted)[kept].abs().max()


def test_fit_is_least_squares_with_a_free_constant():
    torch.manual_seed(0)
    inputs, targets = torch.randn(200, 5) + 3, torch.randn(200, 2) - 7
    moments = Moments(5, 2, inputs.device)
    moments.add(inputs[:80], targets[:80])
    moments.add(inputs[80:], targets[80:])
    weight, bias = moments.fit(torch.randn(2, 5), ridge=0.0)
    rows = torch.cat([inputs, torch.ones(200, 1)], 1).double()
    expected = torch.linalg.lstsq(rows, targets.double()).solution
    torch.testing.assert_close(torch.cat([weight.T, bias[None]]), expected)


def test_a_strong_ridge_leaves_the_weights_as_they_were():
    inputs, targets, start = torch.randn(50, 4), torch.randn(50, 3), torch.randn(3, 4)
    moments = Moments(4, 3, inputs.device)
    moments.add(inputs, targets)
    torch.testing.assert_close(moments.fit(start, ridge=1e11)[0].float(), start)
