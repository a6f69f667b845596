"""The teacher trained from scratch: it learns, it is deterministic, its batches hold lookalikes."""

import numpy as np
import pytest
import torch

from demo.grammar.sentences import aligned
from demo.teacher import batches, lookalikes, train_teacher, untrained_teacher
from headshrink.model import load_encoder, save_encoder

PAIRS = list(aligned(400, 0))


@pytest.fixture(autouse=True)
def small_batches(monkeypatch):
    monkeypatch.setattr("demo.teacher.BATCH_SIZE", 16)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def test_same_seed_same_weights():
    one, other = (train_teacher(PAIRS[:100], steps=2, seed=3).state_dict() for _ in range(2))
    assert all(torch.equal(one[name], other[name]) for name in one)


def test_training_brings_translations_together():
    english, russian = ([pair[side] for pair in PAIRS] for side in (0, 1))

    def rank_one(encoder) -> float:
        similarity = encoder.encode(english) @ encoder.encode(russian).T
        return float(np.mean(similarity.argmax(1) == np.arange(len(PAIRS))))

    before = rank_one(untrained_teacher([text for pair in PAIRS for text in pair], seed=0).eval())
    after = rank_one(train_teacher(PAIRS, steps=60, seed=0))
    assert before < 0.05
    assert after > before + 0.05


def test_a_trained_teacher_reloads(tmp_path):
    encoder = train_teacher(PAIRS[:100], steps=1, seed=0)
    save_encoder(encoder, tmp_path)
    texts = ["Врач прочитал книгу.", "The doctor read a book."]
    assert np.allclose(load_encoder(tmp_path).encode(texts), encoder.encode(texts), atol=1e-5)


def test_lookalikes_are_those_with_the_same_words():
    pairs = [("Anna saw Boris", "а"), ("Olga read books", "б"), ("Boris saw Anna", "в")]
    assert sorted(map(sorted, lookalikes(pairs, side=0))) == [[0, 2], [1]]


def test_batches_are_full_and_hold_no_pair_twice_in_a_pass():
    lengths = [len(pair[0]) for pair in PAIRS]
    drawn = list(batches(PAIRS, lengths, steps=20, seed=0))
    assert all(len(batch) == 16 for batch in drawn)
    first_pass = [i for batch in drawn for i in batch]
    assert len(first_pass) == len(set(first_pass))
