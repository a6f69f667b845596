"""`headshrink publish`: what is sent to a hub, what never is, and nothing at all unless asked."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from fake_hub import FakeHub

from headshrink.benchmarking.models import folder_sha256
from headshrink.errors import HeadshrinkError
from headshrink.exporting import TARGETS, Options, Original
from headshrink.exporting.measured import measured_card
from headshrink.exporting.publish import model_files
from headshrink.model import SentenceEncoder
from headshrink.model.modeling_pruned_bert import PrunedBertConfig, PrunedBertModel

ROOT = Path(__file__).resolve().parents[3]
OTHERS = (".env", "id_rsa", "onnx/model.onnx.data", "a.log", "pytorch_model.bin", "1_Pooling/notes.md", "a/b.json")


CARD = "---\nlanguage:\n- ru\n---\n\n# A model\n\n## Forms\n\n| form |"
BOUNDS = {"difference": -0.1, "lower_95": -0.12, "upper_95": -0.08, "margin": 0.12}


def scores_of(folder: Path, generated: bool = False, sha256: str = "") -> Path:
    """A benchmark's scores.json of the model in a folder, beside it."""
    models = {"teacher": {"sha256": "ab", "tasks": {"sts": {"score": 0.8}}}}
    models["student"] = {"sha256": sha256 or folder_sha256(folder), "tasks": {"sts": {"score": 0.7}}}
    scores = {"models": models, "reference": "teacher", "resamples": 1000, "intervals": {"student": {"sts": BOUNDS}}}
    scores |= {"tasks": {"sts": {"metric": "Spearman"}}, "suite": {"label": "encodechka", "generated": generated}}
    path = folder.with_name("scores.json")
    path.write_text(json.dumps(scores))
    return path


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
        (folder / "README.md").write_text(CARD, encoding="utf-8")
        sent = run(hub, tmp_path, folder, "someone/student", "--send", "--scores", scores_of(folder))
        assert sent.returncode == 0, sent.stderr
        published = hub.repositories["models", "someone/student"]
    assert set(published.files) == {
        "config.json", "model.safetensors", "modeling_pruned_bert.py", "modules.json", "sentence_bert_config.json",
        "tokenizer.json", "tokenizer_config.json", "1_Pooling/config.json", "onnx/model.onnx", "README.md",
    }  # fmt: skip
    assert b"| STS | 0.7000 | 0.8000 | -0.1000 |" in published.files.pop("README.md")
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


def test_a_published_card_has_the_figures_with_their_bounds(folder):
    (folder / "README.md").write_text(CARD, encoding="utf-8")
    card = measured_card(folder, scores_of(folder))
    assert "| STS | 0.7000 | 0.8000 | -0.1000 | -0.1200 to -0.0800 |\n\n## Forms" in card
    header = yaml.safe_load(card.split("---")[1])
    assert header["language"] == ["ru"]
    (result,) = header["model-index"][0]["results"]
    assert result["metrics"] == [{"type": "Spearman", "name": "STS", "value": 0.7}]
    assert (folder / "README.md").read_text(encoding="utf-8") == CARD


def test_figures_of_generated_data_are_no_metrics_for_the_hub(folder):
    (folder / "README.md").write_text(CARD, encoding="utf-8")
    card = measured_card(folder, scores_of(folder, generated=True))
    assert "## Quality" in card
    assert "model-index" not in card


def test_scores_of_another_model_and_a_folder_without_a_card_are_one_line(folder, tmp_path):
    with pytest.raises(HeadshrinkError, match=r"README\.md"):
        measured_card(folder, scores_of(folder))
    (folder / "README.md").write_text(CARD, encoding="utf-8")
    for path in (scores_of(folder, sha256="cd"), tmp_path / "nowhere.json"):
        with pytest.raises(HeadshrinkError, match=r"benchmark it first|nowhere\.json") as caught:
            measured_card(folder, path)
        assert "\n" not in str(caught.value)
