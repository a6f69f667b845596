"""What most tests of the trainer start from."""

import pytest
from tiny_training import perturbed, tiny_pairs

from headshrink.data.table import SentenceTable
from headshrink.model import SentenceEncoder


@pytest.fixture
def student(tiny_encoder: SentenceEncoder) -> SentenceEncoder:
    return perturbed(tiny_encoder)


@pytest.fixture
def train(tiny_encoder: SentenceEncoder) -> SentenceTable:
    return tiny_pairs(tiny_encoder, stop=40)


@pytest.fixture
def heldout(tiny_encoder: SentenceEncoder) -> SentenceTable:
    return tiny_pairs(tiny_encoder, start=40)
