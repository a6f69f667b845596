"""Stages teacher and export: what they read, what they write, what they refuse before any work."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from pydantic import ValidationError
from transformers import BertForMaskedLM

from headshrink.errors import HeadshrinkError
from headshrink.exporting import TARGETS, Target
from headshrink.model import load_encoder, save_encoder
from headshrink.model.mlm_head import load_mlm_head
from headshrink.parameters.distill import DistillParams
from headshrink.parameters.export import ExportParams, GateParams
from headshrink.parameters.teacher import TeacherParams
from headshrink.teacher import write_teacher
from tasks import export, teacher
from tasks.heldout import heldout

DISTILL = DistillParams(losses={"cosine": 1.0})
PAIRS = {"en": ["the man sees", "a dog", "big house"], "ru": ["мужчина видит", "собака", "большой дом"]}


@pytest.fixture
def workspace(tmp_path, monkeypatch) -> Path:
    """An empty workspace to run stages in."""
    monkeypatch.chdir(tmp_path)
    Path(".work").mkdir()
    Path("artifacts/corpus").mkdir(parents=True)
    return tmp_path


def test_teacher_puts_a_folder_under_artifacts(workspace, tiny_encoder, tiny_folder):
    (tiny_folder / "README.md").write_text("---\nlanguage: ru\nlicense: apache-2.0\n---\n# Tiny\nlicense: none\n")
    params = TeacherParams(source="folder", path=str(tiny_folder))
    teacher.run(params)
    facts = json.loads(Path("artifacts/teacher/teacher.json").read_text())
    assert (facts["label"], facts["licence"]) == (tiny_folder.name, "apache-2.0")
    found = load_encoder("artifacts/teacher").encode(PAIRS["ru"])
    assert np.array_equal(found, tiny_encoder.encode(PAIRS["ru"]))


def test_a_masked_language_models_head_comes_with_the_teacher(workspace, tiny_encoder, tiny_folder):
    model = BertForMaskedLM(tiny_encoder.backbone.config)
    model.bert.load_state_dict(tiny_encoder.backbone.state_dict())
    model.save_pretrained(tiny_folder)
    teacher.run(TeacherParams(source="folder", path=str(tiny_folder)))
    mlm_head = load_mlm_head([Path("artifacts/teacher")], tiny_encoder.backbone)
    assert torch.equal(mlm_head.transform.dense.weight, model.cls.predictions.transform.dense.weight)


def test_the_generated_teacher_is_trained_on_the_corpus(workspace):
    pd.DataFrame(PAIRS).to_parquet("artifacts/corpus/train.parquet")
    params = TeacherParams(source="generated", path="artifacts/corpus", steps=2)
    teacher.run(params)
    facts = json.loads(Path("artifacts/teacher/teacher.json").read_text())
    assert (facts["label"], facts["generated"]) == ("generated", True)


def test_a_refused_teacher_leaves_nothing(workspace):
    with pytest.raises(HeadshrinkError, match="no model folder"):
        teacher.run(TeacherParams(source="folder", path="nowhere"))
    assert [path.name for path in Path("artifacts").iterdir()] == ["corpus"]


@pytest.mark.parametrize(
    "params",
    [
        {"source": "folder"},
        {"source": "hub", "hub_id": "someone/model"},
        {"source": "hub", "hub_id": "someone/model", "hub_revision": "main"},
        {"source": "nowhere", "path": "x"},
    ],
)
def test_an_incomplete_source_is_refused_by_the_parameters(params):
    with pytest.raises(ValidationError):
        TeacherParams(**params)


@pytest.fixture
def student(workspace, tiny_encoder) -> None:
    """A student, what it was made from, and held-out pairs, where the export stage looks for them."""
    save_encoder(tiny_encoder, "artifacts/student/model")
    write_teacher(tiny_encoder, Path("artifacts/teacher"), "tiny", "folder", licence="mit")
    heads, neurons = [list(range(4))] * 2, [list(range(64))] * 2
    cut = {"heads": {"kept": heads, "of": [4, 4]}, "ffn": {"kept": neurons, "of": [64, 64]}}
    cut["parameters"] = {"before": 2, "after": 2}
    Path("artifacts/student/prune.json").write_text(json.dumps(cut))
    pd.DataFrame(PAIRS).to_parquet("artifacts/corpus/heldout.parquet")


def test_export_writes_the_folder_with_its_card_and_onnx_beside(student):
    params = ExportParams(targets=["transformers", "onnx"], check_sentences=4, gate=GateParams())
    export.run(params, DISTILL)
    names = {str(path.relative_to("artifacts/export")) for path in Path("artifacts/export").rglob("*.*")}
    assert {"config.json", "model.safetensors", "modules.json", "onnx/model.onnx", "onnx/tokenizer.json"} <= names
    assert "license: mit" in Path("artifacts/export/README.md").read_text()


@pytest.fixture
def broken(tiny_encoder) -> Target:
    """A target whose embeddings are other sentences'."""
    return replace(
        TARGETS["transformers"],
        write=lambda model, folder, options: folder.mkdir(exist_ok=True),
        open=lambda folder: lambda texts: tiny_encoder.encode(texts)[::-1],
    )


def test_a_lossless_form_that_fails_its_check_fails_the_stage(student, broken, monkeypatch):
    monkeypatch.setitem(TARGETS, "transformers", broken)
    params = ExportParams(targets=["transformers"], check_sentences=6, gate=GateParams())
    with pytest.raises(HeadshrinkError, match="transformers does not reproduce the model"):
        export.run(params, DISTILL)
    assert not Path("artifacts/export").exists()
    assert not list(Path("artifacts").glob(".export*"))


def test_a_lossy_form_that_fails_its_gate_is_left_out_and_named(student, broken, monkeypatch, capsys):
    monkeypatch.setitem(TARGETS, "onnx_int8", replace(broken, place="onnx_int8", lossless=False))
    chosen = ExportParams(targets=["transformers", "onnx_int8"], gate=GateParams())
    export.run(chosen, DISTILL)
    assert "onnx_int8: left out, it loses too much: cosine" in capsys.readouterr().out
    assert "cosine" in json.loads(Path("artifacts/export/gate.json").read_text())["onnx_int8"]["refused"]
    assert not Path("artifacts/export/onnx_int8").exists()
    assert "not offered: " in Path("artifacts/export/README.md").read_text(encoding="utf-8")


def test_checks_read_both_languages(student):
    assert heldout(2) == (PAIRS["en"][:2], PAIRS["ru"][:2])
    assert heldout(256) == (PAIRS["en"], PAIRS["ru"])
