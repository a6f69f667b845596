"""Two models sentence by sentence, against a plain computation."""

import json

import numpy as np

from headshrink.benchmarking.sentences import ROWS, compare_sentences, distinct_texts, nearest
from headshrink.benchmarking.suite._pairs import Pairs

PAIRS = Pairs(["a", "b", "a"], ["c", "d", "b"], np.array([1.0, np.nan, 3.0]))


def test_neighbours_are_the_nearest_by_cosine_and_never_the_sentence_itself() -> None:
    vectors = np.random.default_rng(0).normal(size=(ROWS + 40, 6)).astype(np.float32)
    units = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    for i, found in enumerate(nearest(units, 5)):
        cosines = units @ units[i]
        cosines[i] = -2
        assert np.allclose([cosine for _, cosine in found], np.sort(cosines)[::-1][:5], atol=6e-4)
        assert i not in [number for number, _ in found]


def test_equal_neighbours_stand_by_number() -> None:
    units = np.tile(np.array([[1.0, 0.0]], dtype=np.float32), (6, 1))
    assert [number for number, _ in nearest(units, 3)[2]] == [0, 1, 3]


def test_pairs_hold_the_cosine_of_either_model_whatever_the_length() -> None:
    texts = distinct_texts(PAIRS)
    first = np.eye(4, dtype=np.float32) * 7
    second = first.copy()
    second[texts.index("c")] = first[texts.index("a")] * 3
    content = compare_sentences(PAIRS, {"teacher": first, "student": second})
    named = [(texts[left], texts[right], *rest) for left, right, *rest in content["pairs"]]
    assert named == [("a", "c", 1.0, 0.0, 1.0), ("b", "d", None, 0.0, 0.0), ("a", "b", 3.0, 0.0, 0.0)]


def test_the_comparison_is_plain_json_and_short() -> None:
    vectors = np.random.default_rng(1).normal(size=(4, 3)).astype(np.float32)
    text = json.dumps(compare_sentences(PAIRS, {"teacher": vectors, "student": vectors}), allow_nan=False)
    assert max(len(part) for part in text.replace("]", ",").split(",") if "." in part) < 10  # rounded, not 0.8320000171
