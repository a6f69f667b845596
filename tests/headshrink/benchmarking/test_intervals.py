"""Resampled statistics equal the statistic on the drawn items; intervals say what they should of known cases."""

import numpy as np
import pytest
from scipy.stats import spearmanr
from sklearn.metrics import f1_score, roc_auc_score

from headshrink.benchmarking.evaluate import TaskResult
from headshrink.benchmarking.intervals import compare, draws, interval, resampled_scores
from headshrink.benchmarking.outcomes import Accuracy, Auc, Correlation
from headshrink.benchmarking.suite._words import count_by_text

chance = np.random.default_rng(0)
ITEMS = 80


def drawn(counts: np.ndarray) -> np.ndarray:
    """The indices that a row of counts stands for."""
    return np.repeat(np.arange(len(counts)), counts.astype(int))


def resamples(items: int = ITEMS, count: int = 20) -> np.ndarray:
    return np.concatenate(list(draws(items, count, [1])))


def test_resampled_spearman_equals_scipy_on_the_drawn_items_ties_included():
    label, similarity = chance.integers(5, size=ITEMS), chance.normal(size=ITEMS).round(1).astype(np.float32)
    counts = resamples()
    expected = [spearmanr(label[drawn(row)], similarity[drawn(row)]).correlation for row in counts]
    np.testing.assert_allclose(Correlation(similarity, label).resampled(counts), expected, atol=1e-12)


def test_resampled_auc_equals_scikit_learn_on_the_drawn_items():
    positive, probability = chance.random(ITEMS) < 0.3, chance.random(ITEMS).round(1)
    counts = resamples()
    expected = [roc_auc_score(positive[drawn(row)], probability[drawn(row)]) for row in counts]
    np.testing.assert_allclose(Auc(probability, positive).resampled(counts), expected, atol=1e-12)


def test_resampled_macro_f1_equals_scikit_learn_on_the_words_of_the_drawn_texts():
    kinds, shares = ["O", "B-a", "I-a", "B-b"], [0.6, 0.2, 0.1, 0.1]
    texts = [chance.choice(kinds, size=chance.integers(1, 9), p=shares) for _ in range(30)]
    said = [np.where(chance.random(len(text)) < 0.7, text, "B-a") for text in texts]
    outcome = count_by_text(np.concatenate(said), texts)
    for row, found in zip(resamples(30), outcome.resampled(resamples(30)), strict=True):
        actual, predicted = (np.concatenate([side[i] for i in drawn(row)]) for side in (texts, said))
        labels = sorted(set(actual) - {"O"})
        assert found == pytest.approx(f1_score(actual, predicted, average="macro", labels=labels), abs=1e-12)


def test_a_similarity_that_orders_nothing_scores_zero_in_every_resample():
    constant = Correlation(np.ones(ITEMS, dtype=np.float32), chance.integers(5, size=ITEMS))
    assert constant.score() == 0
    assert (constant.resampled(resamples()) == 0).all()


def test_draws_are_bootstrap_samples_and_repeat():
    counts = resamples(ITEMS, 500)
    assert (counts.sum(1) == ITEMS).all()
    assert (counts == 0).mean() == pytest.approx(np.exp(-1), abs=0.02)
    np.testing.assert_array_equal(counts, resamples(ITEMS, 500))


def result(*correct: np.ndarray) -> dict[str, TaskResult]:
    """One sentence task with a pooling for every row of right and wrong answers."""
    outcomes = {name: Accuracy(row) for name, row in zip(("cls", "mean"), correct, strict=False)}
    return {"nli": TaskResult(outcomes, "cls")}


def test_a_model_differs_from_itself_by_exactly_nothing():
    model = result(chance.random(200) < 0.7, chance.random(200) < 0.6)
    found = compare(model, model)["nli"]
    assert (found.difference, found.lower_95, found.upper_95, found.margin) == (0, 0, 0, 0)


def test_pairing_makes_the_interval_of_two_like_models_narrow():
    base = chance.random(1000) < 0.7
    like = base.copy()
    like[:10] = ~like[:10]
    unlike = chance.permutation(base)
    close, far = (compare(result(other), result(base))["nli"] for other in (like, unlike))
    assert far.upper_95 - far.lower_95 > 4 * (close.upper_95 - close.lower_95)


def test_the_maximum_over_poolings_is_taken_inside_each_resample():
    one, other = chance.random(100) < 0.7, chance.random(100) < 0.7
    both = resampled_scores(result(one, other)["nli"], "nli", 200, own=False)
    alone = [resampled_scores(result(row)["nli"], "nli", 200, own=False) for row in (one, other)]
    np.testing.assert_array_equal(both, np.maximum(*alone))
    np.testing.assert_array_equal(resampled_scores(result(one, other)["nli"], "nli", 200, own=True), alone[0])


def test_the_margin_is_what_the_lower_bound_leaves_to_prove():
    better, worse = interval(0.02, np.linspace(0.01, 0.03, 101)), interval(-0.02, np.linspace(-0.03, -0.01, 101))
    assert better.margin == 0
    assert worse.margin == pytest.approx(0.029)
    assert worse.lower_95 == pytest.approx(-0.029)


def test_tasks_that_test_on_the_same_items_are_resampled_together():
    one = TaskResult({"cls": Accuracy(chance.random(300) < 0.5)}, "cls")
    ic, icx, sa = (resampled_scores(one, task, 50, own=False) for task in ("ic", "icx", "sa"))
    np.testing.assert_array_equal(ic, icx)
    assert (ic != sa).any()
