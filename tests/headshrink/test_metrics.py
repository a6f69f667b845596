"""Figures on embeddings: against hand-computed values and scipy, in blocks as in one."""

import doctest

import numpy as np
import pytest
from scipy.stats import spearmanr

from headshrink import metrics


def test_examples_of_the_docstrings():
    failed, tried = doctest.testmod(metrics, extraglobs={"np": np})
    assert tried >= 4
    assert failed == 0


def test_retrieval_counts_both_directions():
    """Both English rows are nearest to the first Russian one: 1 hit of 2 that way, 2 of 2 back."""
    en = np.array([[1.0, 0.0], [0.8, 0.6]])
    ru = np.array([[1.0, 0.1], [0.0, 1.0]])
    assert metrics.retrieval_at_1(en, ru) == pytest.approx(3 / 4)
    ru = np.array([[1.0, 0, 0], [1.0, 0, 0], [0, 0, 1.0]])
    assert metrics.retrieval_at_1(np.eye(3), ru) == pytest.approx(2 / 3)


def test_equal_embeddings_find_nothing():
    same = np.ones((50, 4)) / 2
    assert metrics.retrieval_at_1(same, same) == pytest.approx(1 / 50)


def test_blocks_change_nothing(monkeypatch):
    rng = np.random.default_rng(0)
    en, ru = (metrics.unit_length(rng.normal(size=(37, 3))) for _ in range(2))
    whole = metrics.retrieval_at_1(en, ru), metrics.partner_ranks(en, ru).tolist()
    monkeypatch.setattr(metrics, "ROWS_PER_BLOCK", 5)
    assert (metrics.retrieval_at_1(en, ru), metrics.partner_ranks(en, ru).tolist()) == whole


def test_spearman_is_scipys():
    one, other = np.random.default_rng(1).normal(size=(2, 100))
    assert metrics.spearman(one, other) == pytest.approx(spearmanr(one, other).correlation)


def test_cosine_of_zeros_is_zero_and_of_nan_is_nan():
    rows = np.array([[0.0, 0.0], [np.nan, 1.0], [3.0, 4.0]], dtype=np.float32)
    found = metrics.cosines(rows, np.array([[1.0, 0.0]] * 3, dtype=np.float32))
    np.testing.assert_allclose(found, [0.0, np.nan, 0.6], rtol=1e-6)
