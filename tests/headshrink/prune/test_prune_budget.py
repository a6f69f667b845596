"""Budgets: the solver against brute force, the plan against the model that it makes."""

from itertools import product

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from headshrink.errors import HeadshrinkError
from headshrink.importance.scores import Scores
from headshrink.model.sites import widths
from headshrink.prune import cut
from headshrink.prune.budget import Option, block_cost, fixed_cost, plan_budget, solve
from headshrink.prune.latency import LatencyTable, fixed_ms, measure_blocks

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
    fixed, cost = fixed_cost(tiny_encoder, measure), block_cost(tiny_encoder, measure)
    share = (fixed + 0.4 * (count(tiny_encoder) - fixed)) / count(tiny_encoder)
    plan = plan_budget(tiny_encoder, scores, share, fixed, cost, {"heads": 1, "ffn": 4})
    assert 0.98 * share < count(cut(tiny_encoder, plan)) / count(tiny_encoder) <= share
    assert all(len(units) % 4 == 0 for units in plan.ffn)


def test_flops_fall_to_the_budget(tiny_encoder):
    cost = block_cost(tiny_encoder, "flops", tokens=10)
    plan = plan_budget(tiny_encoder, scores_of(tiny_encoder), 0.4, 0.0, cost, {"heads": 1, "ffn": 1})
    small = cut(tiny_encoder, plan)
    total = [
        sum(cost(kind, n) for kind in ("heads", "ffn") for n in widths(e.backbone, kind)) for e in (tiny_encoder, small)
    ]
    assert 0.39 < total[1] / total[0] <= 0.4


def test_what_is_kept_of_a_block_is_its_best(tiny_encoder):
    scores = scores_of(tiny_encoder)
    plan = plan_budget(tiny_encoder, scores, 0.4, 0.0, block_cost(tiny_encoder, "flops"))
    for layer, kept in enumerate(plan.ffn):
        gone = [i for i in range(64) if i not in kept]
        assert not gone or not kept or scores.ffn[layer][kept].min() >= scores.ffn[layer][gone].max()


def test_a_budget_below_the_embeddings_is_refused_with_the_smallest(tiny_encoder):
    fixed, cost = fixed_cost(tiny_encoder, "parameters"), block_cost(tiny_encoder, "parameters")
    share = fixed / sum(weight.numel() for weight in tiny_encoder.parameters())
    with pytest.raises(HeadshrinkError, match=f"smallest is {share:.1%}"):
        plan_budget(tiny_encoder, scores_of(tiny_encoder), 0.5 * share, fixed, cost)


def test_a_latency_table_is_linear_between_its_widths_and_measured_for_both_kinds(tiny_encoder):
    table = LatencyTable({"heads": {0: 0.0, 4: 8.0}, "ffn": {0: 1.0, 64: 3.0}})
    assert table("heads", 1) == 2.0
    assert table("ffn", 32) == 2.0
    measured = measure_blocks(tiny_encoder, tokens=4, points=3, repeats=3)
    assert measured("ffn", 64) > 0
    assert fixed_ms(tiny_encoder, measured, tokens=4, repeats=3) >= 0
