"""The fitted MLM head: better at held-out words than their frequency, the same again, its teacher untouched."""

import copy

import numpy as np
import pytest
import torch

from headshrink.data.table import SentenceTable, Tokens
from headshrink.distillation.mlm_fit import fit_mlm_head, perplexity, untrained
from headshrink.errors import HeadshrinkError


@pytest.fixture
def sentences(train: SentenceTable, heldout: SentenceTable) -> tuple[Tokens, Tokens]:
    """Both sides of training and held-out pairs."""
    return train.tokens, heldout.tokens


def test_fitting_lowers_the_perplexity_and_repeats_itself(tiny_encoder, sentences):
    teacher = copy.deepcopy(tiny_encoder)
    start = perplexity(teacher, untrained(teacher, sentences[0]), sentences[1])
    heads, figures = zip(*(fit_mlm_head(teacher, *sentences, steps=40, batch_size=16) for _ in range(2)), strict=True)
    assert figures[0] == figures[1] < 0.8 * start
    assert all(torch.equal(one, other) for one, other in zip(heads[0].parameters(), heads[1].parameters(), strict=True))
    assert all(torch.equal(a, b) for a, b in zip(teacher.parameters(), tiny_encoder.parameters(), strict=True))
    assert not any(p.requires_grad for p in heads[0].parameters())
    further, figure = fit_mlm_head(teacher, *sentences, steps=1, start=heads[0], batch_size=16)
    assert figure == pytest.approx(figures[0], rel=0.2)
    assert not torch.equal(further.bias, heads[0].bias)  # what it starts from stays as it was


def test_an_untrained_head_expects_pieces_as_often_as_they_occur(tiny_encoder, sentences):
    mlm_head = untrained(tiny_encoder, sentences[0])
    piece = tiny_encoder.tokenizer.convert_tokens_to_ids("runs")
    counts = np.bincount(np.concatenate(list(sentences[0].blocks())), minlength=len(mlm_head.bias)) + 1
    assert mlm_head.bias.exp()[piece].item() == pytest.approx(counts[piece] / counts.sum(), rel=1e-5)


def test_a_tokenizer_without_a_mask_is_one_line(tiny_encoder, sentences):
    tiny_encoder.tokenizer.mask_token = None
    with pytest.raises(HeadshrinkError, match=r"this tokenizer has none"):
        fit_mlm_head(tiny_encoder, *sentences, steps=1)
