"""Words replaced: two in five of those of one piece, by the likeliest in their place or by their neighbours."""

import numpy as np
import pytest
import torch
from tiny_training import random_mlm_head

from headshrink.data.table import Tokens
from headshrink.distillation.replacement import CANDIDATES, guessed, kinds_of_pieces, nearest, replaced
from headshrink.model.mlm_head import word_table

TEXTS = ["the man sees the dog zw in the house", "кошка не спит на дерево"]  # zw is of two pieces


@pytest.fixture
def sentences(tiny_encoder) -> Tokens:
    return Tokens.from_rows(tiny_encoder.tokenise(TEXTS))


@pytest.mark.parametrize("by_guess", [False, True])
def test_words_of_one_piece_are_replaced_and_nothing_else(tiny_encoder, sentences, by_guess):
    mlm_head = random_mlm_head(tiny_encoder) if by_guess else None
    texts = replaced(tiny_encoder, sentences, 120, mlm_head, batch_size=50)
    assert texts == replaced(tiny_encoder, sentences, 120, mlm_head, batch_size=50)
    assert 100 < len(texts) <= 120
    longer = [text.split() for text in texts if "zw" in text]
    assert {len(words) for words in longer} == {9}
    assert {words[5] for words in longer} == {"zw"}
    changed = [[new != old for new, old in zip(words, TEXTS[0].split(), strict=True)] for words in longer]
    assert all(map(any, changed))
    assert np.delete(np.array(changed), 5, axis=1).mean() == pytest.approx(0.4, abs=0.08)


def test_guesses_are_of_the_place_alone_behind_the_mask(tiny_encoder, sentences):
    mlm_head, (whole, _) = random_mlm_head(tiny_encoder), kinds_of_pieces(tiny_encoder)
    rows, spots = [sentences[0], sentences[1], sentences[0]], np.array([2, 1, 5])
    found = guessed(tiny_encoder, mlm_head, rows, spots, whole, 2, "fp32")
    ids = torch.tensor(sentences[0][None]).long()
    ids[0, 5] = tiny_encoder.tokenizer.mask_token_id
    with torch.no_grad():
        states = tiny_encoder.backbone(input_ids=ids).last_hidden_state[0, 5]
        order = mlm_head(states, word_table(tiny_encoder.backbone)).argsort(descending=True).tolist()
    expected = [i for i in order if whole[i] and i != sentences[0][5]][:CANDIDATES]
    assert found[2].tolist() == expected


def test_neighbours_point_where_the_word_does(tiny_encoder):
    whole, inner = kinds_of_pieces(tiny_encoder)
    tokenizer = tiny_encoder.tokenizer
    assert not (whole & inner).any()
    assert not whole[tokenizer.all_special_ids].any()
    man, woman, cat = tokenizer.convert_tokens_to_ids(["man", "woman", "cat"])
    table = tiny_encoder.backbone.embeddings.word_embeddings.weight.data
    table[woman] = 3 * table[man]
    found = nearest(tiny_encoder, np.array([cat, man, cat]), whole)
    assert found.shape == (3, CANDIDATES)
    assert found[1, 0] == woman
    assert man not in found[1]
    assert (found[0] == found[2]).all()
