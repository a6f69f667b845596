"""Gate gradients from hooks equal those of explicit gates and of the output projection's weights."""

import pytest
import torch

from headshrink.importance import pair_batches, score
from headshrink.importance.gates import GateGradients
from headshrink.importance.losses import SCORING_LOSSES
from headshrink.model.sites import sites

PAIRS = [
    ("the cat sleeps", "кошка спит"), ("a big dog runs", "большой собака бежит"), ("a man reads", "мужчина читает"),
    ("the woman sees a house", "женщина видит дом"), ("the tree", "дерево"), ("small house", "маленький дом"),
]  # fmt: skip


def batches_of(encoder, count=1, size=6):
    en, ru = (encoder.tokenise([pair[side] for pair in PAIRS]) for side in (0, 1))
    return list(pair_batches(en, ru, encoder.tokenizer.pad_token_id, count, size))


def loss_of(encoder, batch):
    generator = torch.Generator().manual_seed(0)
    en, ru = (encoder(side.input_ids, side.attention_mask) for side in batch.sides)
    return SCORING_LOSSES["translation_ranking"](en, ru, generator)


def recorded(encoder, batch):
    with GateGradients(encoder.backbone) as gates:
        loss_of(encoder, batch).backward()
        return gates.take()


def test_equal_to_explicit_gates_per_example(tiny_encoder):
    (batch,) = batches_of(tiny_encoder)
    explicit, handles = {}, []
    for site in sites(tiny_encoder.backbone):
        gate = torch.ones(len(batch), 1, site.units, requires_grad=True)
        explicit[site.kind, site.layer] = gate

        def multiply(_, args, gate=gate, width=site.unit_width):
            return (args[0] * gate.repeat_interleave(width, dim=2),)

        handles.append(site.dense.register_forward_pre_hook(multiply))
    loss_of(tiny_encoder, batch).backward()
    for handle in handles:
        handle.remove()
    found = recorded(tiny_encoder, batch)
    for (kind, layer), gate in explicit.items():
        torch.testing.assert_close(found[kind][:, layer], gate.grad[:, 0], rtol=1e-4, atol=1e-6)


def test_their_sum_equals_weight_times_gradient_over_the_output_projections_columns(tiny_encoder):
    (batch,) = batches_of(tiny_encoder)
    found = recorded(tiny_encoder, batch)
    loss_of(tiny_encoder, batch).backward()
    for site in sites(tiny_encoder.backbone):
        weight = site.dense.weight
        columns = (weight * weight.grad).sum(0).view(site.units, site.unit_width).sum(1)
        torch.testing.assert_close(found[site.kind][:, site.layer].sum(0), columns, rtol=1e-4, atol=1e-6)


def test_no_weight_gets_a_gradient_and_the_encoder_comes_back_as_it_was(tiny_encoder):
    frozen = tiny_encoder.backbone.embeddings.word_embeddings.weight.requires_grad_(False)
    score(tiny_encoder, batches_of(tiny_encoder))
    assert all(weight.grad is None for weight in tiny_encoder.parameters())
    assert [weight is not frozen for weight in tiny_encoder.backbone.parameters()] == [
        weight.requires_grad for weight in tiny_encoder.backbone.parameters()
    ]
    assert not any(part._forward_pre_hooks or part._forward_hooks for part in tiny_encoder.modules())


def test_a_dead_head_scores_zero_and_others_do_not(tiny_encoder):
    with torch.no_grad():
        tiny_encoder.backbone.encoder.layer[1].attention.output.dense.weight[:, 8:16] = 0
        tiny_encoder.backbone.encoder.layer[0].output.dense.weight[:, 5] = 0
    scores = score(tiny_encoder, batches_of(tiny_encoder, 2, 3))["taylor"]
    assert scores.heads[1, 1] == 0
    assert scores.ffn[0, 5] == 0
    assert (scores.heads == 0).sum() == 1
    assert (scores.ffn == 0).sum() == 1


def test_taylor_takes_the_absolute_value_per_batch(tiny_encoder):
    batches = batches_of(tiny_encoder, 3, 2)
    expected = sum(recorded(tiny_encoder, batch)["heads"].mean(0).abs() for batch in batches)
    torch.testing.assert_close(score(tiny_encoder, batches)["taylor"].heads, expected)


def test_batches_hold_different_pairs_of_similar_length():
    ids = [[2, *range(10, 10 + n), 3] for n in range(40)]
    batches = list(pair_batches(ids, ids, 0, batches=4, batch_size=8, seed=1))
    lengths = [batch.en.attention_mask.sum(1).tolist() for batch in batches]
    assert sorted({n for batch in lengths for n in batch}) == sorted(n for batch in lengths for n in batch)
    assert max(max(batch) - min(batch) for batch in lengths) < 15
    assert lengths == [b.en.attention_mask.sum(1).tolist() for b in pair_batches(ids, ids, 0, 4, 8, seed=1)]


def test_a_single_left_over_pair_is_no_batch():
    ids = [[2, 9, 3]] * 5
    assert [len(batch) for batch in pair_batches(ids, ids, 0, batches=9, batch_size=4)] == [4]


@pytest.mark.parametrize("cut_layer", [0, 1])
def test_uneven_models_are_scored_too(tiny_encoder, cut_layer):
    from headshrink.pruning import Plan, cut

    heads = [[0, 1, 2, 3], [0, 1, 2, 3]]
    heads[cut_layer] = []
    pruned = cut(tiny_encoder, Plan(heads, [list(range(64)), list(range(20))]))
    scores = score(pruned, batches_of(pruned))["taylor"]
    assert scores.heads[cut_layer].isnan().all()
    assert scores.ffn[1, 20:].isnan().all()
    assert not scores.ffn[1, :20].isnan().any()
