"""One export for all tests of this folder: it takes seconds."""

from pathlib import Path

import pytest
import torch
from transformers import BertConfig, BertModel

from demo.teacher import train_tokenizer
from headshrink.exporting import TARGETS, Options, Original
from headshrink.model import SentenceEncoder

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
    folder, model = tmp_path_factory.mktemp("exported"), Original(encoder)
    for name in ("onnx", "onnx_int8"):
        TARGETS[name].write(model, folder / name, Options())
    return encoder, folder
