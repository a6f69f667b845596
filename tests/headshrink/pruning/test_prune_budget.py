"""Budgets: the solver against brute force, the plan against the model that it makes."""

import copy
from itertools import product

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torch import nn
from transformers.models.bert.modeling_bert import BertPooler

from headshrink.errors import HeadshrinkError
from headshrink.importance.scores import Scores
from headshrink.model.sites import widths
from headshrink.pruning import cut
from headshrink.pruning.budget import Option, plan_budget, solve
from headshrink.pruning.embedding import factorise
from headshrink.pruning.latency import LatencyTable, Timed, latency_ratio, measure_blocks
from headshrink.pruning.price import Body, Counted, body_of
from headshrink.pruning.width import cut_width

groups_of_options = st.lists(
    st.lists(
        st.builds(Option, units=st.just(0), cost=st.integers(0, 9).map(float), loss=st.floats(0, 9)),
        min_size=1,
        max_size=4,
    ),
    min_size=1,
    max_size=5,
)


@settings(max_examples=200, deadline=None)
@given(groups=groups_of_options, budget=st.integers(0, 30))
def test_solver_equals_brute_force(groups, budget):
    allowed = [choice for choice in product(*groups) if sum(option.cost for option in choice) <= budget]
    if not allowed:
        smallest = sum(min(option.cost for option in group) for group in groups)
        with pytest.raises(HeadshrinkError, match=f"smallest reachable is {smallest:.6g}"):
            solve(groups, budget)
        return
    found = solve(groups, budget)
    assert sum(option.cost for option in found) <= budget
    assert sum(o.loss for o in found) == pytest.approx(min(sum(o.loss for o in choice) for choice in allowed))


def test_large_instances_stay_within_budget_and_near_the_relaxed_optimum():
    torch.manual_seed(0)
    groups = [
        [Option(k, k * (1 + 0.01 * i), float((100 - k) ** 2 * (i + 1))) for k in range(101)] for i in range(12)
    ]  # convex: the greedy optimum is known up to one step
    found = solve(groups, 600.0)
    assert 595 < sum(option.cost for option in found) <= 600
    slopes = [(100 - o.units) * (i + 1) / (1 + 0.01 * i) for i, o in enumerate(found) if 0 < o.units < 100]
    assert max(slopes) < 1.3 * min(slopes)


def scores_of(encoder):
    torch.manual_seed(0)
    return Scores(torch.rand(2, 4), torch.rand(2, 64))


@pytest.mark.parametrize("measure", ["parameters", "bytes"])
def test_the_cut_model_has_what_the_budget_allows(tiny_encoder, measure):
    scores, per_parameter = scores_of(tiny_encoder), {"parameters": 1, "bytes": 4}[measure]
    count = lambda encoder: per_parameter * sum(weight.numel() for weight in encoder.parameters())  # noqa: E731
    price = Counted(tiny_encoder, measure)
    fixed = price.fixed(body_of(tiny_encoder))
    share = (fixed + 0.4 * (count(tiny_encoder) - fixed)) / count(tiny_encoder)
    plan, _ = plan_budget(tiny_encoder, scores, share, price, multiples={"heads": 1, "ffn": 4})
    assert 0.98 * share < count(cut(tiny_encoder, plan)) / count(tiny_encoder) <= share
    assert all(len(units) % 4 == 0 for units in plan.ffn)


def test_flops_fall_to_the_budget(tiny_encoder):
    price = Counted(tiny_encoder, "flops", tokens=10)
    cost = price.block(body_of(tiny_encoder))
    plan, _ = plan_budget(tiny_encoder, scores_of(tiny_encoder), 0.4, price, multiples={"heads": 1, "ffn": 1})
    small = cut(tiny_encoder, plan)
    total = [
        sum(cost(kind, n) for kind in ("heads", "ffn") for n in widths(e.backbone, kind)) for e in (tiny_encoder, small)
    ]
    assert 0.39 < total[1] / total[0] <= 0.4


def test_what_is_kept_of_a_block_is_its_best(tiny_encoder):
    scores = scores_of(tiny_encoder)
    plan, _ = plan_budget(tiny_encoder, scores, 0.4, Counted(tiny_encoder, "flops"))
    for layer, kept in enumerate(plan.ffn):
        gone = [i for i in range(64) if i not in kept]
        assert not gone or not kept or scores.ffn[layer][kept].min() >= scores.ffn[layer][gone].max()


def test_a_budget_below_the_embeddings_is_refused_with_the_smallest(tiny_encoder):
    price = Counted(tiny_encoder, "parameters")
    share = price.fixed(body_of(tiny_encoder)) / sum(weight.numel() for weight in tiny_encoder.parameters())
    with pytest.raises(HeadshrinkError, match=f"smallest is {share:.1%}"):
        plan_budget(tiny_encoder, scores_of(tiny_encoder), 0.5 * share, price)


def test_of_two_bodies_the_one_of_less_loss_is_taken_and_a_costlier_worse_one_never(tiny_encoder):
    own, price = body_of(tiny_encoder), Counted(tiny_encoder, "parameters")
    thin = Body(own.vocabulary, 4, own.hidden, loss=0.001)
    worse = Body(own.vocabulary, 8, own.hidden, loss=0.5)
    _, body = plan_budget(tiny_encoder, scores_of(tiny_encoder), 0.5, price, [worse, thin])
    assert body == thin
    _, body = plan_budget(tiny_encoder, scores_of(tiny_encoder), 1.0, price, [worse, thin])
    assert body == own


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    hidden=st.sets(st.integers(0, 31), min_size=9).map(sorted),
    rank=st.none() | st.integers(1, 6),
    dense=st.booleans(),
    pooler=st.sampled_from(["none", "unused", "pooling"]),
)
def test_prices_are_those_of_the_model_when_it_is_there(tiny_encoder, hidden, rank, dense, pooler):
    encoder = copy.deepcopy(tiny_encoder)
    if pooler != "none":
        encoder.backbone.pooler = BertPooler(encoder.backbone.config)
        encoder.pooling = "pooler" if pooler == "pooling" else "mean"
    if dense:
        encoder.dense = nn.Sequential(nn.Linear(32, 20), nn.Tanh())
    small = cut_width(encoder, hidden) if len(hidden) < 32 else encoder
    if rank:
        small = factorise(small, rank, torch.ones(len(encoder.tokenizer)))
    price, body = Counted(encoder, "parameters"), Body(len(encoder.tokenizer), rank, len(hidden))
    total = price.fixed(body) + 2 * (price.block(body)("heads", 4) + price.block(body)("ffn", 64))
    assert total == sum(weight.numel() for weight in small.parameters())


def test_a_latency_table_is_linear_between_its_widths_and_measured_for_both_kinds(tiny_encoder):
    table = LatencyTable({"heads": {0: 0.0, 4: 8.0}, "ffn": {0: 1.0, 64: 3.0}})
    assert table("heads", 1) == 2.0
    assert table("ffn", 32) == 2.0
    measured = measure_blocks(tiny_encoder, tokens=4, points=3, repeats=3)
    assert measured("ffn", 64) > 0
    assert latency_ratio(tiny_encoder, tiny_encoder, tokens=4, repeats=9) == pytest.approx(1, abs=0.5)


def test_prices_in_milliseconds_add_up_to_the_whole_encoder_and_to_the_empty_one(tiny_encoder, monkeypatch):
    """However long a block takes alone: here 1 ms a head and 0.1 ms a neuron, within an encoder of 30 ms."""
    alone = LatencyTable({"heads": {0: 5.0, 4: 9.0}, "ffn": {0: 2.0, 64: 8.4}})
    monkeypatch.setattr("headshrink.pruning.latency.measure_blocks", lambda *args, **kwargs: alone)
    monkeypatch.setattr("headshrink.pruning.latency.in_turns", lambda *args: [[31.0, 10.0], [30.0, 9.0], [29.0, 8.0]])
    price, body = Timed(tiny_encoder), body_of(tiny_encoder)
    block = price.block(body)
    assert price.fixed(body) == 9
    assert block("heads", 0) == block("ffn", 0) == 0
    assert price.fixed(body) + 2 * (block("heads", 4) + block("ffn", 64)) == pytest.approx(30)
    assert block("heads", 4) / block("ffn", 64) == pytest.approx(4 / 6.4)
