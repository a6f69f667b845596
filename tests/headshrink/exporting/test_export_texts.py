"""What a form does with long texts, prompts and dimensions: sentence-transformers' embeddings, whichever runtime."""

import copy
from pathlib import Path

import numpy as np
import pytest
import torch
from sentence_transformers import SentenceTransformer
from torch import nn

from headshrink.benchmarking.models import open_model
from headshrink.exporting import TARGETS, Options, Original
from headshrink.exporting.torch_encoder import TorchEncoder
from headshrink.metrics import cosines
from headshrink.model import SentenceEncoder, save_encoder
from headshrink.model.encoder import Settings, UnitLength

LONG = ["a big house, кошка спит в дом " * 60, "the man sees the dog " * 7 + "кошка", "the dog"]
PROMPT = Settings({"query": "the man: "}, "query", truncate_dim=8)


@pytest.fixture(scope="module", params=["left", "right"])
def cut(request, exported, tmp_path_factory) -> tuple[SentenceEncoder, Path]:
    """An encoder with a prompt, at most 12 tokens, cut on one side; and its folder."""
    torch.manual_seed(5)
    backbone = exported[0].backbone
    dense = nn.Sequential(UnitLength(), nn.Linear(32, 16), nn.Tanh(), UnitLength(), nn.Linear(16, 12), nn.Identity())
    tokenizer = copy.deepcopy(exported[0].tokenizer)
    tokenizer.truncation_side = tokenizer.init_kwargs["truncation_side"] = request.param
    encoder = SentenceEncoder(backbone, tokenizer, "mean_sqrt_len", dense, False, 12, PROMPT).eval()
    folder = tmp_path_factory.mktemp("cut") / "model"
    save_encoder(encoder, folder)
    return encoder, folder


def test_every_form_reads_long_texts_as_sentence_transformers_does(cut, tmp_path):
    encoder, folder = cut
    expected = SentenceTransformer(str(folder), device="cpu", local_files_only=True).encode(LONG)
    assert expected.shape == (len(LONG), 8)
    model = Original(encoder)
    for name, target in TARGETS.items():
        target.write(model, tmp_path / name, Options())
        found = target.open(tmp_path / name)(LONG)
        least = 0.999999 if target.lossless else 0.9 if "int4" in name else 0.98
        assert cosines(found, expected).min() > least, name
        if target.lossless:
            assert np.abs(found - expected).max() < 1e-5, name


def test_bulk_and_benchmark_read_long_texts_as_encode_does(cut, tmp_path):
    encoder, folder = cut
    expected = encoder.encode(LONG)
    np.testing.assert_allclose(TorchEncoder(encoder, 1).encode(LONG), expected, atol=1e-6)
    TARGETS["onnx"].write(Original(encoder), tmp_path / "onnx", Options())
    for place in (folder, tmp_path / "onnx"):
        model = open_model(place, "model")
        rows = model.tokenise(LONG, 128)
        assert rows == encoder.tokenise(LONG)
        assert model.tokenise(LONG, 6) == encoder.tokenise(LONG, 6)
        np.testing.assert_allclose(model.pooled(rows)["own"], expected, atol=1e-5)
