"""The table of speed tricks: every row computes the same model, and says so with its figures."""

from pathlib import Path
from typing import get_args

import numpy as np
import onnx
import pytest

from headshrink.benchmarking.timing import Setting
from headshrink.errors import HeadshrinkError
from headshrink.exporting import TARGETS, Options, Original
from headshrink.model import SentenceEncoder
from headshrink.padding import padded
from headshrink.parameters import speed
from headshrink.speed import TRICKS, TimedModel, as_json, fresh, measure
from headshrink.speed.fusion import fuse_attention
from headshrink.speed.tricks import open_onnx

SENTENCES = ["the man sees a dog", "кошка спит в дом", "a"]
QUICK = ["onnx_none", "onnx", "onnx_int8", "torch_bf16", "openvino"]  # compiling takes a minute
EXACT = {"torch", "onnx_none", "onnx", "openvino"}
B1, B32 = "b1_8tokens_1thread", "b32_32tokens_allthreads"


@pytest.fixture
def model(tiny_encoder: SentenceEncoder) -> Original:
    """An encoder, whose graph is made once a test: it takes seconds."""
    return Original(tiny_encoder)


@pytest.fixture
def folder(model: Original, tmp_path: Path) -> Path:
    """Its exported fp32 graph."""
    TARGETS["onnx"].write(model, tmp_path / "onnx", Options())
    return tmp_path / "onnx"


def test_every_row_of_every_model_has_its_costs_and_how_close_it_is_to_fp32(model, folder, monkeypatch):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    subjects = {
        "teacher": TimedModel(model),
        "student": TimedModel(model, {"onnx": folder}, {"onnx_int8": "lost too much"}),
    }
    settings = [Setting.named(B1), Setting.named(B32), Setting.named("b1_4096tokens_1thread")]
    rows = measure(subjects, [*QUICK, "cuda"], SENTENCES, settings, rounds=3, limit_s=0.1)
    found = as_json(rows)
    assert list(found["teacher"]) == list(found["student"]) == ["torch", *QUICK, "cuda"]
    assert found["student"]["onnx_int8"] == {"absent": "lost too much"}
    assert found["teacher"]["cuda"] == {"absent": "no CUDA device"}
    present = {name: row for name, row in found["teacher"].items() if "absent" not in row}
    for name, row in present.items():
        assert row["lowest_cosine"] >= (1 - 1e-6 if name in EXACT else 0.98), name
        assert min(row[key] for key in ("startup_s", "memory_mb", "weights_mb", f"latency_ms_{B1}")) > 0, name
        assert row[f"throughput_per_s_{B32}"] > 0
        assert not [key for key in row if "4096" in key], "longer than the model's limit"
    assert present["onnx_int8"]["weights_mb"] < present["onnx"]["weights_mb"] < 1.5 * present["torch"]["weights_mb"]
    assert found["teacher"]["torch"][f"time_ratio_{B1}"] == found["student"]["torch"][f"time_ratio_{B1}"] == 1
    student = found["student"]["onnx"]
    assert student[f"time_ratio_to_first_{B1}_low"] <= student[f"time_ratio_to_first_{B1}"]
    assert student[f"time_ratio_alike_{B1}_low"] <= student[f"time_ratio_alike_{B1}"]


def test_a_row_that_cannot_run_here_says_why(monkeypatch):
    monkeypatch.setattr("shutil.which", lambda name: None)
    assert TRICKS["torch_compile"].missing() == "no C++ compiler"


def test_a_row_whose_process_fails_is_one_line(tmp_path):
    with pytest.raises(HeadshrinkError, match="speed row onnx: its process failed"):
        fresh.figures("onnx", tmp_path / "nowhere", 8)


def test_an_unknown_row_is_one_line(tiny_encoder):
    with pytest.raises(HeadshrinkError, match=f"no speed rows called magic: allowed are {', '.join(TRICKS)}"):
        measure({"model": TimedModel(Original(tiny_encoder))}, ["magic"], SENTENCES)


def test_the_parameters_know_the_rows() -> None:
    assert list(get_args(speed.Row)) == list(TRICKS)


def test_fused_attention_is_one_operator_a_layer_and_changes_no_embedding(tiny_encoder, folder):
    fused = fuse_attention(onnx.load(folder / "model.onnx"))
    names = [node.op_type for node in fused.graph.node]
    assert names.count("MultiHeadAttention") == 2
    assert "Softmax" not in names
    batch = padded(tiny_encoder.tokenise(SENTENCES), 0)
    found, expected = open_onnx(folder, 1, fused=True)(*batch), open_onnx(folder, 1)(*batch)
    assert np.abs(found - expected).max() < 1e-6


def test_a_setting_has_one_name_and_a_wrong_one_is_refused() -> None:
    for name in (B1, B32):
        assert Setting.named(name).name == name
    for name in ("b1_8tokens_2threads", "b0_8tokens_1thread", "fast"):
        with pytest.raises(ValueError, match="is no setting: as in"):
            Setting.named(name)
