"""`headshrink publish`: what is sent to a hub, what never is, and nothing at all unless asked."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from fake_hub import FakeHub

from headshrink.errors import HeadshrinkError
from headshrink.export import TARGETS, Options, Original
from headshrink.export.publish import model_files
from headshrink.model import SentenceEncoder
from headshrink.model.modeling_pruned_bert import PrunedBertConfig, PrunedBertModel

ROOT = Path(__file__).resolve().parents[3]
OTHERS = (".env", "id_rsa", "onnx/model.onnx.data", "a.log", "pytorch_model.bin", "1_Pooling/notes.md", "a/b.json")


@pytest.fixture
def folder(tiny_encoder, tmp_path) -> Path:
    """A model with its own code, in a folder where other things lie about."""
    facts = tiny_encoder.backbone.config.to_diff_dict() | {"heads_per_layer": [3, 1], "ffn_per_layer": [10, 64]}
    facts.pop("model_type")
    backbone = PrunedBertModel(PrunedBertConfig(**facts, head_size=8), add_pooling_layer=False)
    model = Original(SentenceEncoder(backbone, tiny_encoder.tokenizer, max_length=64))
    TARGETS["transformers"].write(model, tmp_path / "model", Options())
    (tmp_path / "model" / "onnx").mkdir()
    (tmp_path / "model" / "onnx" / "model.onnx").write_bytes(b"a graph")
    for name in OTHERS:
        (tmp_path / "model" / name).parent.mkdir(exist_ok=True)
        (tmp_path / "model" / name).write_text("secret")
    (tmp_path / "model" / "vocab.txt").symlink_to("/etc/passwd")
    return tmp_path / "model"


def run(hub: FakeHub, home: Path, *arguments: object) -> subprocess.CompletedProcess[str]:
    environment = hub.environment(home) | {"PYTHONPATH": str(ROOT), "HF_TOKEN": "hf_x", "HF_HUB_DISABLE_XET": "1"}
    command = [sys.executable, "-m", "headshrink.cli", "publish", *map(str, arguments)]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=250)


def test_only_files_of_the_model_are_sent_and_only_when_asked(folder, tmp_path):
    with FakeHub() as hub:
        dry = run(hub, tmp_path, folder, "someone/student")
        assert dry.returncode == 0, dry.stderr
        assert not hub.requests
        assert "would send" in dry.stdout
        sent = run(hub, tmp_path, folder, "someone/student", "--send")
        assert sent.returncode == 0, sent.stderr
        published = hub.repositories["models", "someone/student"]
    assert set(published.files) == {
        "config.json", "model.safetensors", "modeling_pruned_bert.py", "modules.json", "sentence_bert_config.json",
        "tokenizer.json", "tokenizer_config.json", "1_Pooling/config.json", "onnx/model.onnx",
    }  # fmt: skip
    assert all(content == (folder / name).read_bytes() for name, content in published.files.items())
    assert b"secret" not in b"".join([*published.files.values(), *hub.large.values()])
    assert "leaving  .env: not part of a model" in sent.stdout
    assert published.commit in sent.stdout


def test_a_refusal_of_the_hub_is_one_line(folder, tmp_path):
    with FakeHub() as hub:
        hub.forbidden.add("someone/student")
        done = run(hub, tmp_path, folder, "someone/student", "--send")
    assert done.returncode == 2
    assert done.stderr.startswith("error: cannot publish to someone/student")
    assert done.stderr.count("\n") == 1


def test_links_and_foreign_code_stay(folder):
    (folder / "modeling_pruned_bert.py").write_text("import os")
    files = model_files(folder)
    assert files.left[Path("vocab.txt")] == "not a plain file"
    assert files.left[Path("modeling_pruned_bert.py")] == "code that is not headshrink's own"
    assert {str(path) for path in files.left} == {*OTHERS, "vocab.txt", "modeling_pruned_bert.py"}


def test_every_file_of_every_target_is_part_of_the_model(exported, tmp_path):
    model = Original(exported[0])
    for target in TARGETS.values():
        target.write(model, tmp_path / target.place, Options())
    assert not model_files(tmp_path).left
    assert os.path.getsize(tmp_path / "openvino" / "model.bin")


def test_a_folder_without_a_model_is_one_line(tmp_path):
    with pytest.raises(HeadshrinkError, match="no model in"):
        model_files(tmp_path)
