"""Teachers from a local folder: what is read from it, and what is refused in one line."""

import json
import os
import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from transformers import BertForMaskedLM

from headshrink.errors import HeadshrinkError
from headshrink.model import load_encoder
from headshrink.teacher import open_folder, write_teacher

SENTENCES = ["the man sees the dog", "кошка спит в дом", "a"]


def refusal(folder: Path, allow_pickle: bool = False) -> str:
    """The one line with which a folder is refused."""
    with pytest.raises(HeadshrinkError) as caught:
        open_folder(folder, allow_pickle)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def pickle_weights(folder: Path) -> None:
    """Leave a folder's weights in a pickle alone."""
    torch.save(load_file(folder / "model.safetensors"), folder / "pytorch_model.bin")
    (folder / "model.safetensors").unlink()


def test_the_teacher_folder_embeds_as_its_source_and_says_what_it_is(tiny_encoder, tiny_folder, tmp_path):
    write_teacher(open_folder(tiny_folder), tmp_path / "teacher", "tiny", "folder")
    assert np.array_equal(load_encoder(tmp_path / "teacher").encode(SENTENCES), tiny_encoder.encode(SENTENCES))
    facts = json.loads((tmp_path / "teacher" / "teacher.json").read_text())
    assert facts["parameters"] == sum(weight.numel() for weight in tiny_encoder.parameters())
    assert (facts["source"], facts["revision"], facts["generated"]) == ("folder", None, False)
    assert (tmp_path / "teacher" / "tokenizer.json").is_file()


def test_the_same_source_gives_the_same_bytes(tiny_folder, tmp_path):
    for name in ("one", "two"):
        write_teacher(open_folder(tiny_folder), tmp_path / name, "tiny", "folder")
    files = sorted(path.relative_to(tmp_path / "one") for path in (tmp_path / "one").rglob("*") if path.is_file())
    assert all((tmp_path / "one" / file).read_bytes() == (tmp_path / "two" / file).read_bytes() for file in files)


def test_a_masked_language_model_is_a_teacher_without_its_head(tiny_encoder, tiny_folder):
    model = BertForMaskedLM(tiny_encoder.backbone.config)
    model.bert.load_state_dict(tiny_encoder.backbone.state_dict())
    model.save_pretrained(tiny_folder)
    assert np.array_equal(open_folder(tiny_folder).encode(SENTENCES), tiny_encoder.encode(SENTENCES))


def test_half_precision_weights_become_full(tiny_encoder, tiny_folder, tmp_path):
    tiny_encoder.backbone.half().save_pretrained(tiny_folder)
    write_teacher(open_folder(tiny_folder), tmp_path / "teacher", "tiny", "folder")
    weights = load_file(tmp_path / "teacher" / "model.safetensors")
    assert {weight.dtype for weight in weights.values()} == {torch.float32}


def test_a_missing_teacher(tmp_path):
    assert refusal(tmp_path / "nowhere").startswith(f"no model folder {tmp_path / 'nowhere'}")


def test_a_teacher_that_is_no_bert_is_named(tiny_folder):
    config = {"model_type": "xlm-roberta", "architectures": ["XLMRobertaModel"]}
    (tiny_folder / "config.json").write_text(json.dumps(config))
    assert "XLMRobertaModel" in refusal(tiny_folder)


def test_a_truncated_safetensors_file(tiny_folder):
    weights = tiny_folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-100])
    assert str(weights) in refusal(tiny_folder)


@pytest.mark.parametrize("file", ["modules.json", "1_Pooling/config.json", "tokenizer.json", "config.json"])
def test_a_truncated_file_beside_the_weights(tiny_folder, file):
    os.truncate(tiny_folder / file, 40)
    assert str(tiny_folder) in refusal(tiny_folder)


def test_a_missing_tokenizer(tiny_folder):
    for name in ("tokenizer.json", "vocab.txt"):
        (tiny_folder / name).unlink(missing_ok=True)
    assert "no tokenizer" in refusal(tiny_folder)


def test_pickled_weights_are_refused_unless_allowed(tiny_encoder, tiny_folder):
    pickle_weights(tiny_folder)
    before = sorted(tiny_folder.rglob("*"))
    assert "only as pickles (pytorch_model.bin)" in refusal(tiny_folder)
    assert np.array_equal(open_folder(tiny_folder, allow_pickle=True).encode(SENTENCES), tiny_encoder.encode(SENTENCES))
    assert sorted(tiny_folder.rglob("*")) == before  # the user's folder is only read


class Malicious:
    """Runs code when it is unpickled by a reader that admits code."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self):
        return (open, (str(self.trace), "w"))


@pytest.mark.parametrize("damage", ["code", "truncated", "not a mapping"])
def test_a_bad_pickle_is_refused_and_runs_nothing(tiny_folder, tmp_path, damage):
    pickle_weights(tiny_folder)
    pickled = tiny_folder / "pytorch_model.bin"
    if damage == "code":
        pickled.write_bytes(pickle.dumps({"weight": Malicious(tmp_path / "trace")}, protocol=2))
    elif damage == "truncated":
        pickled.write_bytes(pickled.read_bytes()[:-1000])
    else:
        torch.save([torch.zeros(2)], pickled)
    assert str(pickled) in refusal(tiny_folder, allow_pickle=True)
    assert not (tmp_path / "trace").exists()
