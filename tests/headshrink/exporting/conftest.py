"""One export for all tests of this folder: it takes seconds."""

from pathlib import Path

import pytest
from tiny_models import random_encoder_of

from demo.teacher import train_tokenizer
from headshrink.exporting import TARGETS, Options, Original
from headshrink.model import SentenceEncoder

WORDS = "the man sees a dog big house cat sleeps in кошка спит в дом собака видит большой".split()


@pytest.fixture(scope="session")
def exported(tmp_path_factory: pytest.TempPathFactory) -> tuple[SentenceEncoder, Path]:
    """A small encoder and a folder with its ONNX forms, onnx and onnx_int8."""
    tokenizer = train_tokenizer(WORDS * 2)
    encoder = random_encoder_of(tokenizer)
    folder, model = tmp_path_factory.mktemp("exported"), Original(encoder)
    for name in ("onnx", "onnx_int8"):
        TARGETS[name].write(model, folder / name, Options())
    return encoder, folder
