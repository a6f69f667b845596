"""Bucketed batches: every pair once, in an order that the seed fixes, with little padding."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from headshrink.data.batches import bucketed, in_order, padding_waste
from headshrink.distillation.masking import masked, with_masks
from headshrink.padding import padded

LENGTHS = np.random.default_rng(0).integers(3, 60, 5_000)


@given(st.lists(st.integers(1, 100), min_size=1, max_size=300), st.integers(1, 9), st.integers(0, 5), st.integers(0, 5))
def test_an_epoch_holds_every_pair_exactly_once(lengths, batch_size, seed, epoch):
    batches = bucketed(np.array(lengths), batch_size, seed, epoch)
    assert sorted(np.concatenate(batches)) == list(range(len(lengths)))
    assert len(batches) == -(-len(lengths) // batch_size)
    assert max(map(len, batches)) <= batch_size


def test_seed_and_epoch_fix_the_order_and_change_it():
    def order(seed: int, epoch: int) -> list[int]:
        return np.concatenate(bucketed(LENGTHS, 16, seed, epoch)).tolist()

    assert order(0, 1) == order(0, 1)
    assert order(0, 0) != order(0, 1)
    assert order(0, 0) != order(1, 0)


def test_companions_change_from_epoch_to_epoch():
    """In-batch negatives would be the same ones for ever if the whole corpus were sorted."""
    first, second = (next(b for b in bucketed(LENGTHS, 16, 0, epoch) if 7 in b) for epoch in (0, 1))
    assert set(first) != set(second)


def test_bucketing_saves_most_of_the_padding_of_random_batches():
    random_batches = np.array_split(np.random.default_rng(1).permutation(len(LENGTHS)), len(LENGTHS) // 16)
    waste = padding_waste(LENGTHS, bucketed(LENGTHS, 16, 0, 0))
    assert waste < 0.1
    assert waste < padding_waste(LENGTHS, random_batches) / 4


def test_padding_waste_counts_cells():
    """Sides of 2 and 4, 3 and 3 tokens in one block of width 4: 12 of 16 cells hold a token."""
    assert padding_waste(np.array([2, 3, 4, 3]), [np.array([[0, 1], [2, 3]])]) == pytest.approx(0.25)


def test_batches_in_order_are_sorted_and_whole():
    batches = in_order(LENGTHS, 64)
    assert (np.diff(LENGTHS[np.concatenate(batches)]) >= 0).all()
    assert sorted(np.concatenate(batches)) == list(range(len(LENGTHS)))


def test_a_share_of_words_is_with_masks_and_no_special_token(tiny_encoder):
    tokenizer = tiny_encoder.tokenizer
    texts = ["the man runs in the house", "a cat"] * 200
    ids, _ = map(torch.from_numpy, padded(tiny_encoder.tokenise(texts), tokenizer.pad_token_id))
    torch.manual_seed(0)
    seen = with_masks(ids, 0.3, tokenizer)
    words = ~torch.isin(ids, torch.tensor(tokenizer.all_special_ids))
    assert torch.equal(seen[~words], ids[~words])
    assert set(seen[seen != ids].tolist()) == {tokenizer.mask_token_id}
    assert (seen != ids)[words].float().mean().item() == pytest.approx(0.3, abs=0.05)


def test_words_are_guessed_by_berts_recipe(tiny_encoder):
    """15% of a sentence, at least one word; 80% of them behind [MASK], 10% another piece, 10% as they are."""
    tokenizer = tiny_encoder.tokenizer
    texts = ["the man runs in the house", "a", "the big dog sees the small cat in the house on the tree"] * 400
    ids, _ = map(torch.from_numpy, padded(tiny_encoder.tokenise(texts), tokenizer.pad_token_id))
    torch.manual_seed(0)
    read, where = masked(ids, tokenizer)
    assert where.sum(1).view(-1, 3).unique(dim=0).tolist() == [[1, 1, 2]]  # of 6, 1 and 13 words
    assert not torch.isin(ids[where], torch.tensor(tokenizer.all_special_ids)).any()
    assert torch.equal(read[~where], ids[~where])
    hidden, kept = read[where] == tokenizer.mask_token_id, read[where] == ids[where]
    assert hidden.float().mean().item() == pytest.approx(0.8, abs=0.05)
    assert kept.float().mean().item() == pytest.approx(0.1, abs=0.03)
    assert len(read[where][~hidden & ~kept].unique()) > 50
