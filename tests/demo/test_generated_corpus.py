"""The generated corpus and the suite beside it: distinct, reproducible, disjoint; no bag of words solves the suite."""

import csv
import json
from itertools import islice
from pathlib import Path

import pytest

from demo.grammar.meanings import core, in_suite, negated, swapped
from demo.grammar.sentences import aligned, families
from demo.pairs import Generated
from demo.suite import overlap, words, write_demo_suite
from headshrink.data.corpus.clean import fold
from headshrink.data.corpus.decontaminate import SuiteIndex

LABELS = {
    "stsb_dev.csv": ("sentence1", "sentence2", "similarity_score"),
    "para_gold.csv": ("text_1", "text_2", "class"),
}
CLASSES = {"toxic": "toxic", "inappropriate": "y", "SentiRuEval2016_small": "answer", "intents": "label"}


@pytest.fixture(scope="module")
def suite(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("suite")
    write_demo_suite(folder, seed=0)
    return folder


def read(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def sentences(folder: Path) -> set[str]:
    columns = ("text", "answer", "sentence1", "sentence2", "text_1", "text_2")
    return {row[column] for path in folder.glob("*.csv") for row in read(path) for column in columns if column in row}


def test_pairs_are_distinct_on_both_sides():
    pairs = list(Generated(3000, seed=0).pairs())
    assert len(pairs) == len({pair.en for pair in pairs}) == len({pair.ru for pair in pairs}) == 3000


def test_a_seed_gives_the_same_pairs_and_a_larger_count_adds_to_them():
    assert list(aligned(300, 5)) == list(islice(aligned(600, 5), 300))
    assert list(aligned(300, 5)) != list(aligned(300, 6))


def test_a_family_shares_its_core_and_its_side_of_the_partition():
    for meanings in islice(families(0), 500):
        assert not any(map(in_suite, meanings))
        assert all(core(other) == core(meanings[0]) for other in meanings if type(other) is type(meanings[0]))


def test_swap_and_negation_never_leave_the_partition():
    for meaning in (meanings[0] for meanings in islice(families(1), 500)):
        others = [other for other in (swapped(meaning), negated(meaning)) if other is not None]
        assert all(core(other) == core(meaning) for other in others)


def test_no_pair_is_in_the_suite_or_near_it(suite):
    index = SuiteIndex(sentences(suite))
    dropped = [pair for pair in aligned(2000, 0) if any(index.reason_against(fold(side)) for side in pair)]
    assert len(dropped) <= 10


def test_suite_is_reproducible(suite, tmp_path):
    write_demo_suite(tmp_path, seed=0)
    assert all(path.read_bytes() == (tmp_path / path.name).read_bytes() for path in suite.iterdir())


@pytest.mark.parametrize("name", LABELS)
def test_word_overlap_says_next_to_nothing_about_similarity(suite, name):
    from scipy.stats import spearmanr

    one, two, label = LABELS[name]
    rows = [row for row in read(suite / name) if float(row[label]) != 0 or name == "para_gold.csv"]
    overlaps = [overlap(row[one], row[two]) for row in rows]
    assert abs(spearmanr(overlaps, [float(row[label]) for row in rows]).statistic) < 0.35


def test_every_label_is_in_train_and_test(suite):
    for name, label in CLASSES.items():
        sides = [{row[label] for row in read(suite / f"{name}_{side}.csv")} for side in ("train", "test")]
        assert sides[0] == sides[1]


def test_what_is_tested_is_worded_otherwise_than_what_is_learnt(suite):
    """A request's first word is its construction: train and test share few of them, though they share all labels."""
    sides = [{row["text"].split()[0] for row in read(suite / f"intents_{side}.csv")} for side in ("train", "test")]
    assert len(sides[0] & sides[1]) < 0.5 * len(sides[1])


@pytest.mark.parametrize("name", ["factru.json", "rudrec.json"])
def test_entities_are_words_of_their_text(suite, name):
    data = json.loads((suite / name).read_text(encoding="utf-8"))
    assert len(data["texts"]) == len(data["labels"])
    for text, labels in zip(data["texts"], data["labels"], strict=True):
        for _, first, last in labels:
            assert text[first:last].strip() == text[first:last] != ""
            assert not text[first - 1 : first].isalpha()
            assert not text[last : last + 1].isalpha()


def test_suite_sentences_are_short_enough_to_have_no_near_copy(suite):
    for name in ("stsb_dev.csv", "para_gold.csv", "xnli_ru.csv"):
        columns = ("sentence1", "sentence2") if name != "para_gold.csv" else ("text_1", "text_2")
        assert all(len(words(row[column])) <= 8 for row in read(suite / name) for column in columns)
