"""One export for all tests of this folder: it takes seconds."""

from pathlib import Path

import onnx
import pytest
import torch
from transformers import BertConfig, BertModel

from headshrink.export.quantise import quantise
from headshrink.export.targets.onnx import to_graph, write_tokenizer
from headshrink.model import SentenceEncoder
from headshrink.teacher.generated import train_tokenizer

WORDS = "the man sees a dog big house cat sleeps in кошка спит в дом собака видит большой".split()


@pytest.fixture(scope="session")
def exported(tmp_path_factory: pytest.TempPathFactory) -> tuple[SentenceEncoder, Path]:
    """A small encoder and a folder with its ONNX forms, onnx and onnx_int8."""
    tokenizer = train_tokenizer(WORDS * 2)
    config = BertConfig(
        vocab_size=len(tokenizer),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=64,
        max_position_embeddings=64,
        initializer_range=0.2,
    )
    torch.manual_seed(0)
    encoder = SentenceEncoder(BertModel(config, add_pooling_layer=False), tokenizer, max_length=64).eval()
    folder, graph = tmp_path_factory.mktemp("exported"), to_graph(encoder)
    for name in ("onnx", "onnx_int8"):
        (folder / name).mkdir()
        onnx.save(quantise(graph) if name == "onnx_int8" else graph, folder / name / "model.onnx")
        write_tokenizer(encoder, folder / name / "tokenizer.json")
    return encoder, folder
