"""A model folder that is damaged, or reaches beyond itself, is one line: never a traceback, never another model."""

import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from headshrink.errors import HeadshrinkError
from headshrink.model import PrunedBertConfig, PrunedBertModel, SentenceEncoder, load_encoder, save_encoder

SIDE_FILES = ("config.json", "modules.json", "sentence_bert_config.json", "tokenizer.json", "1_Pooling/config.json",
              "2_Dense/config.json")  # fmt: skip
WEIGHTS = ("model.safetensors", "2_Dense/model.safetensors")


@pytest.fixture
def folder(tiny_encoder, tmp_path) -> Path:
    """A student with uneven heads and a dense layer."""
    facts = tiny_encoder.backbone.config.to_diff_dict() | {"heads_per_layer": [3, 0], "ffn_per_layer": [10, 64]}
    facts.pop("model_type")
    torch.manual_seed(0)
    backbone = PrunedBertModel(PrunedBertConfig(**facts, head_size=8), add_pooling_layer=False)
    dense = nn.Sequential(nn.Linear(32, 16), nn.Tanh())
    save_encoder(SentenceEncoder(backbone, tiny_encoder.tokenizer, "cls", dense, max_length=64), tmp_path / "model")
    return tmp_path / "model"


def refused(folder: Path) -> str:
    with pytest.raises(HeadshrinkError) as caught:
        load_encoder(folder)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("name", [*SIDE_FILES, *WEIGHTS])
def test_a_truncated_file_is_one_line_that_names_the_folder(folder, name):
    os.truncate(folder / name, (folder / name).stat().st_size * 2 // 3)
    assert str(folder) in refused(folder)


@pytest.mark.parametrize("content", ["null", "[1]", "{}", '{"model_type": 3}', "\x00\x00"])
@pytest.mark.parametrize("name", SIDE_FILES)
def test_a_file_of_other_content_is_one_line_or_its_default(folder, name, content):
    (folder / name).write_text(content)
    if name == "sentence_bert_config.json" and content == "{}":
        assert load_encoder(folder).max_length == 64  # no length stated: the position table's
    else:
        refused(folder)


def test_weights_of_another_shape_are_one_line(folder):
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"heads_per_layer": [2, 0]}))
    assert "does not fit its config.json" in refused(folder)
    (folder / "config.json").write_text(json.dumps(config))
    shutil.copyfile(folder / "model.safetensors", folder / "2_Dense" / "model.safetensors")
    assert "2_Dense" in refused(folder)


@pytest.mark.parametrize("path", ["../elsewhere", "/etc", "1_Pooling/../../elsewhere"])
def test_a_module_outside_of_its_folder_is_refused(folder, path):
    modules = json.loads((folder / "modules.json").read_text())
    modules[1]["path"] = path
    (folder / "modules.json").write_text(json.dumps(modules))
    shutil.copytree(folder / "1_Pooling", folder.parent / "elsewhere")
    assert "leads out of the model folder" in refused(folder)


def test_code_in_a_folder_never_runs_unasked(folder):
    before = load_encoder(folder).encode(["a"])
    (folder / "modeling_pruned_bert.py").write_text("raise SystemExit('ran')")
    assert np.array_equal(load_encoder(folder).encode(["a"]), before)
