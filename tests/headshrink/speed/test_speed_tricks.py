"""The table of speed tricks: every row computes the same model, and says so with its figures."""

import pytest

from headshrink.errors import HeadshrinkError
from headshrink.export import Original
from headshrink.speed import SETTINGS, TRICKS, measure

SENTENCES = ["the man sees a dog", "кошка спит в дом", "a"]
QUICK = ["onnx_none", "onnx", "onnx_int8", "torch_bf16", "openvino"]  # compiling takes a minute
EXACT = {"torch", "onnx_none", "onnx", "openvino"}


def test_every_row_has_its_costs_and_how_close_it_is_to_fp32(tiny_encoder):
    settings = [SETTINGS[0], SETTINGS[3]]
    rows = measure(Original(tiny_encoder), QUICK, SENTENCES, settings, rounds=3, limit_s=0.1)
    assert list(rows) == ["torch", *QUICK]
    for name, row in rows.items():
        assert row.lowest_cosine > (1 - 1e-6 if name in EXACT else 0.98), name
        assert row.startup_s > 0
        assert row.weights_mb > 0
        assert row.costs["latency_ms_b1_8tokens_1thread"] > 0
        assert row.costs["time_ratio_b1_32tokens_allthreads"] > 0
    assert rows["onnx_int8"].weights_mb < rows["onnx"].weights_mb < 1.5 * rows["torch"].weights_mb
    assert rows["torch"].costs["time_ratio_b1_8tokens_1thread"] == 1


def test_a_row_that_cannot_run_here_says_why(tiny_encoder, monkeypatch):
    monkeypatch.setattr("shutil.which", lambda name: None)
    rows = measure(Original(tiny_encoder), ["torch_compile"], SENTENCES, settings=())
    assert rows["torch_compile"].absent == "no C++ compiler"
    assert not rows["torch_compile"].costs


def test_an_unknown_row_is_one_line(tiny_encoder):
    with pytest.raises(HeadshrinkError, match=f"no speed rows called magic: allowed are {', '.join(TRICKS)}"):
        measure(Original(tiny_encoder), ["magic"], SENTENCES)
