"""Surgery equals gating: what was cut out of the weights computes what closed gates compute."""

import subprocess
import sys

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from headshrink.errors import HeadshrinkError
from headshrink.importance.scores import Scores
from headshrink.model import load_encoder, save_encoder
from headshrink.model.sites import sites, widths
from headshrink.pruning import Plan, cut, describe, plan_ratio

TEXTS = ["the big cat sleeps in the house", "кошка спит", "a man reads", "не видит дом"]


def gated(encoder, plan):
    """Embeddings of TEXTS with the gates of everything outside the plan at 0."""
    handles = []
    for site in sites(encoder.backbone):
        gate = torch.zeros(site.units)
        gate[getattr(plan, site.kind)[site.layer]] = 1
        gate = gate.repeat_interleave(site.unit_width)
        handles.append(site.dense.register_forward_pre_hook(lambda _, args, gate=gate: (args[0] * gate,)))
    out = encoder.encode(TEXTS)
    for handle in handles:
        handle.remove()
    return out


def subsets(units):
    return st.sets(st.integers(0, units - 1)).map(sorted)


plans = st.builds(
    Plan, heads=st.lists(subsets(4), min_size=2, max_size=2), ffn=st.lists(subsets(64), min_size=2, max_size=2)
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(plan=plans)
def test_surgery_equals_gating(tiny_encoder, plan):
    difference = cut(tiny_encoder, plan).encode(TEXTS) - gated(tiny_encoder, plan)
    assert abs(difference).max() < 1e-5


def test_two_cuts_equal_one(tiny_encoder):
    first = cut(tiny_encoder, Plan([[0, 2, 3], [1]], [list(range(10, 60)), list(range(64))]))
    second = cut(first, Plan([[1, 2], []], [list(range(5, 15)), [3]]))
    once = cut(tiny_encoder, Plan([[2, 3], []], [list(range(15, 25)), [3]]))
    assert abs(second.encode(TEXTS) - once.encode(TEXTS)).max() < 1e-6


def test_the_original_stays_whole(tiny_encoder):
    before = tiny_encoder.encode(TEXTS)
    cut(tiny_encoder, Plan([[0], []], [[1], []]))
    assert abs(tiny_encoder.encode(TEXTS) - before).max() == 0
    assert widths(tiny_encoder.backbone, "heads") == [4, 4]


def test_cut_is_smaller_and_reloads_through_automodel_in_a_new_process(tiny_encoder, tmp_path):
    plan = Plan([[0, 3], []], [[1, 5, 7], list(range(64))])
    pruned = cut(tiny_encoder, plan)
    save_encoder(pruned, tmp_path / "pruned")
    record = describe(tiny_encoder, pruned, plan)
    hidden, head_size = 32, 8
    of_heads = 6 * (3 * head_size * (hidden + 1) + head_size * hidden)
    assert record["parameters"]["before"] - record["parameters"]["after"] == of_heads + 61 * (2 * hidden + 1)
    assert abs(load_encoder(tmp_path / "pruned").encode(TEXTS) - pruned.encode(TEXTS)).max() == 0
    code = (
        "import sys, torch, headshrink.model; from transformers import AutoModel;"
        "model = AutoModel.from_pretrained(sys.argv[1]).eval();"
        "print(model(input_ids=torch.tensor([[2, 7, 9, 3]])).last_hidden_state.sum().item())"
    )
    ran = subprocess.run([sys.executable, "-c", code, tmp_path / "pruned"], capture_output=True, text=True, check=True)
    with torch.inference_mode():
        here = pruned.backbone(input_ids=torch.tensor([[2, 7, 9, 3]])).last_hidden_state.sum().item()
    assert float(ran.stdout) == pytest.approx(here, abs=1e-4)


def test_global_ranking_is_uneven_and_layer_ranking_even():
    heads = torch.tensor([[1.0, 2.0], [3.0, 4.0]])
    scores = Scores(heads, heads)
    assert plan_ratio(scores, 0.5, 0.5).heads == [[], [0, 1]]
    assert plan_ratio(scores, 0.5, 0.5, min_units_per_layer=1).heads == [[1], [1]]
    assert plan_ratio(scores, 0.5, 0.5, "layer").heads == [[1], [1]]


def test_a_larger_ratio_cuts_what_a_smaller_one_cuts():
    torch.manual_seed(0)
    scores = Scores(torch.rand(3, 4), torch.rand(3, 20))
    less, more = plan_ratio(scores, 0.3, 0.3), plan_ratio(scores, 0.7, 0.7)
    assert all(set(few) <= set(many) for few, many in zip(more.ffn, less.ffn, strict=True))


def test_an_emptied_layer_is_refused_where_it_is_forbidden():
    with pytest.raises(HeadshrinkError, match="leaves 0 heads in layer 0: at least 1"):
        plan_ratio(Scores(torch.rand(2, 4), torch.rand(2, 4)), 0.9, 0.5, "layer", min_units_per_layer=1)
