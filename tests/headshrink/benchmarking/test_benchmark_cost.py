"""Counted costs equal torch's own counts; timing alternates, stops, and reports ratios."""

import numpy as np
import pytest
import torch
from test_protocol_parity import SHAPES
from torch.utils.flop_counter import FlopCounterMode

from headshrink.benchmarking import size
from headshrink.benchmarking.probe import probe
from headshrink.benchmarking.timing import Setting, Timings, alternate, figures, median_interval
from headshrink.model import SentenceEncoder


@pytest.mark.parametrize("shape", SHAPES)
def test_flops_equal_torch_s_own_count(shape: str, tiny_encoder: SentenceEncoder):
    encoder = SHAPES[shape](tiny_encoder)
    encoder.backbone.set_attn_implementation("eager")  # the fused attention of a CPU is not counted
    ids = torch.ones((1, 16), dtype=torch.long)
    with torch.inference_mode(), FlopCounterMode(display=False) as counter:
        encoder(ids, torch.ones_like(ids))
    assert size.flops(encoder, 16) == counter.get_total_flops()


def test_parameters_of_tables_and_body_add_up(tiny_encoder: SentenceEncoder):
    counts = size.parameters(tiny_encoder)
    assert counts["embedding_parameters"] + counts["body_parameters"] == counts["parameters"]
    config = tiny_encoder.backbone.config
    assert counts["embedding_parameters"] == (config.vocab_size + 64 + 2 + 2) * 32  # positions, types, LayerNorm


def test_models_take_turns_and_the_first_changes():
    order: list[str] = []
    calls = {name: lambda name=name: order.append(name) or 1.0 for name in ("a", "b")}
    alternate(calls, "a", rounds=4, limit_s=60)
    assert order[6:] == ["a", "b", "b", "a", "a", "b", "b", "a"]  # after three warm-up calls each


def test_rounds_go_on_until_the_ratio_is_known_to_five_percent():
    noise = np.random.default_rng(0)
    noisy = {"teacher": lambda: 1.0, "student": lambda: 0.5 * float(noise.lognormal(sigma=0.1))}
    timings = alternate(noisy, "teacher", rounds=5, limit_s=60)
    ratio, low, high = timings.ratio("student", "teacher")
    assert len(timings.seconds["student"]) > 5
    assert high - low < 0.05 * ratio
    assert low < 0.5 < high


def test_a_time_limit_ends_rounds_that_would_never_settle():
    noise = np.random.default_rng(0)
    wild = {"teacher": lambda: 1.0, "student": lambda: float(noise.lognormal(sigma=3))}
    assert len(alternate(wild, "teacher", rounds=10_000_000, limit_s=0.05).seconds["teacher"]) < 10_000_000


def test_the_median_s_interval_covers_it_as_often_as_it_says():
    noise = np.random.default_rng(0)
    low, high = median_interval(25)
    rounds = np.sort(noise.exponential(size=(2000, 25)), axis=1)
    covered = (rounds[:, low] <= np.log(2)) & (np.log(2) <= rounds[:, high])
    assert covered.mean() >= 0.94


def test_figures_name_setting_and_unit():
    timings = Timings({"teacher": [0.010, 0.010, 0.010], "student": [0.005, 0.005, 0.005]})
    found = figures(timings, Setting(1, 32, 1), "student", "teacher")
    assert found["latency_ms_b1_32tokens_1thread"] == pytest.approx(5)
    assert found["time_ratio_b1_32tokens_1thread"] == pytest.approx(0.5)
    assert figures(timings, Setting(32, 32, None), "student", "teacher")[
        "throughput_per_s_b32_32tokens_allthreads"
    ] == pytest.approx(6400)


def test_load_time_and_memory_come_from_a_process_of_their_own(tiny_folder):
    found = probe(tiny_folder)
    assert 0 < found["load_s"] < 60
    assert 0 <= found["model_memory_mb"] < found["peak_memory_mb"]
