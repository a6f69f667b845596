"""Which device and arithmetic are chosen; a checkpoint that takes its share of the time and no more."""

from itertools import pairwise

import pytest
import torch

from headshrink.checkpoint import Checkpoints
from headshrink.model import best_device
from headshrink.model.precision import resolve


@pytest.mark.parametrize(("there", "allowed", "expected"), [
    (True, "auto", "cuda"), (True, "cpu", "cpu"), (False, "auto", "cpu"),
])  # fmt: skip
def test_a_gpu_is_used_where_there_is_one_that_is_not_forbidden(monkeypatch, there, allowed, expected):
    monkeypatch.setattr("torch.cuda.is_available", lambda: there)
    assert best_device(allowed).type == expected


@pytest.mark.parametrize(("bf16", "expected"), [(True, "bf16"), (False, "fp16")])
def test_a_gpu_without_bf16_computes_in_fp16(monkeypatch, bf16, expected):
    monkeypatch.setattr("torch.cuda.is_bf16_supported", lambda including_emulation: bf16)
    assert resolve("auto", torch.device("cuda")) == expected


def test_saving_takes_at_most_its_share_of_the_time(monkeypatch, tmp_path):
    clock = [0.0]
    monkeypatch.setattr("headshrink.checkpoint.time.monotonic", lambda: clock[0])
    checkpoints, saved = Checkpoints(tmp_path, most=0.02), []

    def state():
        saved.append(clock[0])
        clock[0] += 3  # seconds that saving takes
        return {}

    for _ in range(1000):
        clock[0] += 1
        checkpoints.save_when_due(1.0, state)
    assert saved[0] == 60
    assert all(later - earlier >= 3 / 0.02 for earlier, later in pairwise(saved))
