"""Export targets: every shape that pruning makes, opened again as users of each form do."""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from hypothesis import Phase, example, given, settings
from hypothesis import strategies as st
from torch import nn

import headshrink as hs
from headshrink.errors import HeadshrinkError
from headshrink.exporting import TARGETS, Options, Original, check_reload
from headshrink.exporting.lines import open_encoder
from headshrink.exporting.onnx_encoder import OnnxEncoder
from headshrink.exporting.openvino_encoder import OpenVinoEncoder
from headshrink.exporting.targets import openvino, transformers
from headshrink.graph import open_session
from headshrink.metrics import cosines
from headshrink.model import PrunedBertConfig, PrunedBertModel, SentenceEncoder, load_encoder
from headshrink.padding import padded

ROOT = Path(__file__).resolve().parents[3]
SENTENCES = ["the man sees the dog", "кошка спит в дом", "a", "", "the big house " * 40]
SHAPES = {
    "uneven": {"heads_per_layer": [3, 1], "ffn_per_layer": [10, 64]},
    "a layer without attention, one without FFN": {"heads_per_layer": [0, 2], "ffn_per_layer": [16, 0]},
    "cut width, factorised embeddings": {"hidden_size": 24, "embedding_rank": 12},
}


def shaped(encoder: SentenceEncoder, dense: bool = False, trimmed: bool = False, **shape: Any) -> SentenceEncoder:
    """An encoder of random weights and another shape, with an encoder's tokenizer or what SENTENCES need of it."""
    facts = {"heads_per_layer": [4, 4], "ffn_per_layer": [64, 64]} | encoder.backbone.config.to_diff_dict() | shape
    facts.pop("model_type")
    config = PrunedBertConfig(**facts, head_size=8)
    torch.manual_seed(1)
    backbone = PrunedBertModel(config, add_pooling_layer=False)
    layers = nn.Sequential(nn.Linear(config.hidden_size, 16), nn.Tanh()) if dense else None
    pooling = "cls" if dense else "mean"
    found = SentenceEncoder(backbone, encoder.tokenizer, pooling, layers, max_length=encoder.max_length).eval()
    return hs.trim(found, {"en": SENTENCES}) if trimmed else found


def run(code: str, *arguments: object) -> np.ndarray:
    """Run code in another process, away from this repository; the embeddings that it saves."""
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"} | {"HF_HUB_OFFLINE": "1"}
    saved = Path(str(arguments[0])).parent / "embeddings.npy"
    command = [sys.executable, "-I", "-c", code, *map(str, arguments), str(saved)]
    done = subprocess.run(command, cwd="/", env=environment, capture_output=True, text=True, timeout=200)
    assert done.returncode == 0, done.stderr
    return np.load(saved)


@st.composite
def shapes(draw: st.DrawFn) -> dict[str, Any]:
    """What pruning can make of the small encoder: any widths, none included, cut hidden width and vocabulary, rank."""
    layers = draw(st.integers(1, 3))
    each = {"min_size": layers, "max_size": layers}
    return {
        "num_hidden_layers": layers,
        "heads_per_layer": draw(st.lists(st.integers(0, 4), **each)),
        "ffn_per_layer": draw(st.lists(st.integers(0, 64), **each)),
        "hidden_size": draw(st.sampled_from([32, 28, 17])),
        "embedding_rank": draw(st.sampled_from([None, 12])),
        "trimmed": draw(st.booleans()),
        "dense": draw(st.booleans()),
    }


EXAMPLES = [
    {"heads_per_layer": [3, 1], "ffn_per_layer": [10, 64]},
    {"heads_per_layer": [0, 2], "ffn_per_layer": [16, 0], "dense": True},
    {"hidden_size": 28, "embedding_rank": 12, "trimmed": True},
    {"hidden_size": 17, "heads_per_layer": [1, 4], "ffn_per_layer": [5, 1]},  # odd: no whole bytes of 4 bits
]
IN_4_BITS, IN_8_BITS = 0.9, 0.98  # mean cosine that a form of a small random model keeps, to the model


@given(shapes())
@example(EXAMPLES[0])
@example(EXAMPLES[1])
@example(EXAMPLES[2])
@example(EXAMPLES[3])
@settings(max_examples=2, deadline=None, database=None, derandomize=True, phases=[Phase.explicit, Phase.generate])
def test_every_shape_keeps_its_embeddings_in_every_target_and_batch(exported, shape):
    with tempfile.TemporaryDirectory() as place:
        folder, model = Path(place), Original(shaped(exported[0], **shape))
        expected = model.encoder.encode(SENTENCES)
        for name, target in TARGETS.items():
            target.write(model, folder / name, Options())
            embed = target.open(folder / name)
            found, alone = embed(SENTENCES), np.concatenate([embed([text]) for text in SENTENCES])
            if target.lossless:
                assert np.abs(found - expected).max() < 1e-5, name
                assert np.abs(alone - expected).max() < 1e-5, name
            else:
                enough = IN_4_BITS if "int4" in name else IN_8_BITS
                assert cosines(found, expected).mean() > enough, name
                assert cosines(alone, expected).mean() > enough, name


def test_a_uniform_shape_is_a_stock_bert_and_needs_no_code(tiny_encoder, tmp_path):
    encoder = shaped(tiny_encoder, ffn_per_layer=[24, 24])
    transformers.write(Original(encoder), tmp_path)
    stock = load_encoder(tmp_path)
    assert type(stock.backbone).__name__ == "BertModel"
    assert stock.backbone.config.intermediate_size == 24
    assert not list(tmp_path.glob("*.py"))
    assert np.array_equal(stock.encode(SENTENCES), encoder.encode(SENTENCES))


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_a_shape_beyond_bert_brings_its_code(tiny_encoder, tmp_path, shape):
    transformers.write(Original(shaped(tiny_encoder, **shape)), tmp_path)
    assert (tmp_path / "modeling_pruned_bert.py").is_file()


WITHOUT_HEADSHRINK = """
import sys
sys.modules["headshrink"] = None  # importing it raises ImportError
import numpy as np
from sentence_transformers import SentenceTransformer
from transformers import AutoModel
folder, saved = sys.argv[1:]
assert AutoModel.from_pretrained(folder, trust_remote_code=True).config.heads_per_layer == [3, 1]
np.save(saved, SentenceTransformer(folder, device="cpu", trust_remote_code=True).encode({sentences}))
"""


def test_the_folder_opens_by_sentence_transformers_without_headshrink(tiny_encoder, tmp_path):
    encoder = shaped(tiny_encoder, **SHAPES["uneven"])
    transformers.write(Original(encoder), tmp_path / "model")
    found = run(WITHOUT_HEADSHRINK.format(sentences=SENTENCES), tmp_path / "model")
    assert np.abs(found - encoder.encode(SENTENCES)).max() < 1e-5
    assert np.abs(np.linalg.norm(found, axis=1) - 1).max() < 1e-5


WITHOUT_TORCH = """
import sys
for name in ("torch", "transformers", "headshrink"):
    sys.modules[name] = None  # importing it raises ImportError
import numpy as np
import onnxruntime
from tokenizers import Tokenizer
folder, saved = sys.argv[1:]
tokenizer = Tokenizer.from_file(folder + "/tokenizer.json")
session = onnxruntime.InferenceSession(folder + "/model.onnx")
rows = tokenizer.encode_batch({sentences})
feed = {{"input_ids": [row.ids for row in rows], "attention_mask": [row.attention_mask for row in rows]}}
np.save(saved, session.run(["sentence_embedding"], feed)[0])
"""


def test_onnx_needs_neither_torch_nor_transformers(exported):
    encoder, folder = exported
    found = run(WITHOUT_TORCH.format(sentences=SENTENCES), folder / "onnx")
    assert np.abs(found - encoder.encode(SENTENCES)).max() < 1e-5


@pytest.mark.parametrize("shape", [{}, {"dense": True}, {"hidden_size": 24, "embedding_rank": 12}])
def test_onnx_gives_the_last_hidden_states_beside_its_embeddings(tiny_encoder, tmp_path, shape):
    encoder = shaped(tiny_encoder, **shape)
    TARGETS["onnx"].write(Original(encoder), tmp_path, Options())
    ids, mask = map(torch.from_numpy, padded(encoder.tokenise(SENTENCES), encoder.tokenizer.pad_token_id))
    feed = {"input_ids": ids.numpy(), "attention_mask": mask.numpy()}
    embeddings, states = open_session(tmp_path / "model.onnx", 1).run(None, feed)
    with torch.inference_mode():
        expected = encoder.backbone(input_ids=ids, attention_mask=mask).last_hidden_state.numpy()
        assert np.abs(embeddings - encoder(ids, mask).numpy()).max() < 1e-5
    seen = mask.numpy().astype(bool)
    assert np.abs(states - expected)[seen].max() < 1e-5


def test_onnx_has_the_same_bytes_each_time_and_no_trace_of_this_machine(exported, tmp_path, capfd):
    encoder, folder = exported
    attention = encoder.backbone.config._attn_implementation
    encoder.encode(SENTENCES)  # leaves its mark in the tokenizer, which must not show in the export
    TARGETS["onnx"].write(Original(encoder), tmp_path, Options())
    for file in ("model.onnx", "tokenizer.json"):
        assert (tmp_path / file).read_bytes() == (folder / "onnx" / file).read_bytes()
    graph = (tmp_path / "model.onnx").read_bytes()
    assert b".py" not in graph
    assert str(ROOT).encode() not in graph
    assert encoder.backbone.config._attn_implementation == attention
    assert capfd.readouterr() == ("", "")


def test_a_form_that_embeds_otherwise_is_refused_with_the_figure(tiny_encoder):
    expected = tiny_encoder.encode(SENTENCES)
    assert check_reload("onnx", tiny_encoder.encode, SENTENCES, expected) > 0.9999
    turned = expected.copy()
    turned[2] = expected[1]
    with pytest.raises(HeadshrinkError, match=r"onnx does not reproduce the model: cosine 0\.\d+ on 'a'"):
        check_reload("onnx", lambda texts: turned, SENTENCES, expected)
    with pytest.raises(HeadshrinkError, match="cosine nan"):
        check_reload("onnx", lambda texts: expected * np.nan, SENTENCES, expected)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda folder: (folder / "model.onnx").unlink(), "cannot open"),
        (lambda folder: os.truncate(folder / "model.onnx", 5_000), "cannot open"),
        (lambda folder: (folder / "tokenizer.json").unlink(), "no tokenizer.json"),
        (lambda folder: os.truncate(folder / "tokenizer.json", 100), "tokenizer.json"),
    ],
    ids=["no graph", "truncated graph", "no tokenizer", "truncated tokenizer"],
)
def test_a_damaged_onnx_folder_is_one_line(exported, tmp_path, damage, message):
    folder = shutil.copytree(exported[1] / "onnx", tmp_path / "onnx")
    damage(folder)
    with pytest.raises(HeadshrinkError, match=message) as caught:
        OnnxEncoder(folder)
    assert "\n" not in str(caught.value)


def test_an_openvino_model_of_other_inputs_is_one_line(tmp_path):
    ov = pytest.importorskip("openvino")
    other = ov.opset13.parameter([-1, 3], name="pixels", dtype=np.float32)
    other.output(0).set_names({"pixels"})
    (tmp_path / "openvino").mkdir()
    ov.save_model(ov.Model([ov.opset13.relu(other)], [other]), tmp_path / "openvino" / "model.xml")
    with pytest.raises(HeadshrinkError, match=r"model\.xml takes pixels and gives .*: input_ids and attention_mask"):
        OpenVinoEncoder(tmp_path / "openvino")


def test_openvino_that_is_not_installed_is_one_line(tiny_encoder, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "openvino", None)  # importing it fails
    (tmp_path / "model.xml").write_text("<net/>")
    for use in (lambda: open_encoder(tmp_path), lambda: openvino.save(onnx.ModelProto(), tiny_encoder, tmp_path / "x")):
        with pytest.raises(HeadshrinkError, match=r"pip install 'headshrink\[openvino\]'") as caught:
            use()
        assert "\n" not in str(caught.value)
    assert not (tmp_path / "x").exists()
