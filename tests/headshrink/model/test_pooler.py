"""LaBSE's layout: [CLS], a Dense layer equal to the backbone's pooler, unit length. One embedding for every client."""

from pathlib import Path

import numpy as np
import pytest
import torch
from sentence_transformers import SentenceTransformer
from torch import nn
from transformers import AutoModel, BertModel

from headshrink.exporting import TARGETS, Options, Original
from headshrink.model import SentenceEncoder, load_encoder, save_encoder
from headshrink.teacher import write_teacher

TEXTS = ["the man sees the dog", "кошка спит в дом"]


@pytest.fixture
def folder(tiny_encoder: SentenceEncoder, tmp_path: Path) -> Path:
    torch.manual_seed(1)
    backbone = BertModel(tiny_encoder.backbone.config)
    written_out = nn.Sequential(backbone.pooler.dense, nn.Tanh())
    save_encoder(SentenceEncoder(backbone, tiny_encoder.tokenizer, "cls", written_out, True, 64), tmp_path / "labse")
    return tmp_path / "labse"


def train(encoder: SentenceEncoder) -> None:
    """Some steps towards another embedding."""
    optimiser = torch.optim.SGD(encoder.parameters(), lr=1.0)
    ids = torch.tensor(encoder.tokenise(TEXTS[:1]))
    for _ in range(3):
        optimiser.zero_grad()
        encoder(ids, torch.ones_like(ids))[:, 0].sum().backward()
        optimiser.step()


def pooler_output(folder: Path, encoder: SentenceEncoder) -> np.ndarray:
    """The usual embedding of LaBSE."""
    batch = encoder.tokenizer(TEXTS, padding=True, return_tensors="pt")
    with torch.inference_mode():
        return nn.functional.normalize(AutoModel.from_pretrained(folder)(**batch).pooler_output).numpy()


def test_after_training_every_client_sees_the_same_embedding(folder, tmp_path):
    encoder = load_encoder(folder)
    before = encoder.encode(TEXTS)
    train(encoder.train())
    found = encoder.eval().encode(TEXTS)
    assert np.abs(found - before).max() > 1e-2
    save_encoder(encoder, tmp_path / "trained")
    TARGETS["onnx"].write(Original(encoder), tmp_path / "onnx", Options())
    for other in (
        pooler_output(tmp_path / "trained", encoder),
        SentenceTransformer(str(tmp_path / "trained"), device="cpu", local_files_only=True).encode(TEXTS),
        load_encoder(tmp_path / "trained").encode(TEXTS),
        TARGETS["onnx"].open(tmp_path / "onnx")(TEXTS),
    ):
        np.testing.assert_allclose(other, found, atol=2e-6)


def test_its_parameters_are_counted_once(folder, tmp_path):
    encoder = load_encoder(folder)
    backbone = sum(weight.numel() for weight in AutoModel.from_pretrained(folder).parameters())
    assert sum(weight.numel() for weight in encoder.parameters()) == backbone
    write_teacher(encoder, tmp_path / "teacher", "labse", "folder")
    assert f'"parameters": {backbone}' in (tmp_path / "teacher" / "teacher.json").read_text()


def test_a_dense_layer_of_other_weights_stays_one(folder):
    encoder = load_encoder(folder)
    with torch.no_grad():
        encoder.backbone.pooler.dense.bias[0] += 1
    encoder.backbone.save_pretrained(folder)
    apart = load_encoder(folder)
    assert (apart.pooling, len(apart.dense)) == ("cls", 2)
