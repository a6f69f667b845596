"""Split, deduplication and decontamination of whole corpora."""

import json
from collections.abc import Iterator
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headshrink import cores
from headshrink.data.corpus import Limits, SuiteIndex, build_corpus, read_corpus, write_corpus
from headshrink.data.corpus import build as build_module
from headshrink.data.corpus.build import Corpus
from headshrink.data.corpus.clean import fold
from headshrink.data.corpus.sources import Pair, Source
from headshrink.data.corpus.split import is_heldout
from headshrink.errors import HeadshrinkError

WORDS = "cat dog house tree runs sleeps reads sees".split()
СЛОВА = "кошка собака дом дерево бежит спит читает видит".split()


class Given(Source):
    """Pairs given in memory."""

    label = "given"

    def __init__(self, pairs: list[tuple[str, str]]) -> None:
        self.given = pairs

    def pairs(self) -> Iterator[Pair]:
        return (Pair(en, ru, "memory") for en, ru in self.given)


def many(count: int = 400) -> list[tuple[str, str]]:
    return [(f"The {WORDS[i % 8]} number {i}", f"Номер {i} - {СЛОВА[i % 8]}") for i in range(count)]


def build(pairs: list[tuple[str, str]], suite: list[str] | None = None, max_pairs: int | None = None) -> Corpus:
    return build_corpus(Given(pairs), Limits(), SuiteIndex(suite or []), heldout_percent=20, max_pairs=max_pairs)


def places(corpus: Corpus) -> dict[tuple[str, str], str]:
    pairs = [(pair, "train") for pair in corpus.train] + [(pair, "heldout") for pair in corpus.heldout]
    return {(pair.en, pair.ru): split for pair, split in pairs}


def dropped(corpus: Corpus) -> dict[str, int]:
    return {reason: by["memory"] for reason, by in corpus.counts.dropped.items()}


@given(st.permutations(many(60)), st.integers(30, 60))
def test_a_larger_corpus_in_another_order_moves_no_pair(pairs: list[tuple[str, str]], count: int) -> None:
    small, large = places(build(many(30))), places(build(pairs[:count] + many(30)))
    assert small.items() <= large.items()


@given(st.text(min_size=1), st.floats(0.1, 50), st.floats(0.1, 50))
def test_a_larger_percentage_only_adds_to_heldout(en: str, one: float, other: float) -> None:
    if is_heldout(fold(en), min(one, other)):
        assert is_heldout(fold(en), max(one, other))


def test_the_share_held_out_is_the_one_asked_for() -> None:
    held_out = sum(is_heldout(f"sentence {i}", 5.0) for i in range(20_000))
    assert held_out == pytest.approx(1_000, abs=5 * (20_000 * 0.05 * 0.95) ** 0.5)


def test_translations_of_one_sentence_stay_together_whatever_its_punctuation() -> None:
    pairs = many() + [(f"the {en[4:]}!", f"{ru} опять") for en, ru in many()]
    corpus = build(pairs)
    assert not {fold(pair.en) for pair in corpus.train} & {fold(pair.en) for pair in corpus.heldout}


def test_train_pairs_with_heldout_russian_are_dropped_and_counted() -> None:
    held_out = build(many()).heldout
    others = [(f"Quite another sentence, {i}", f"{pair.ru}!") for i, pair in enumerate(held_out)]
    corpus = build(many() + others)
    moved = [en for en, _ in others if not is_heldout(fold(en), 20)]
    assert dropped(corpus) == {"russian_in_heldout": len(moved)}
    assert not {fold(pair.ru) for pair in corpus.train} & {fold(pair.ru) for pair in corpus.heldout}


def test_copies_go_and_the_first_of_them_stays() -> None:
    pairs = many()
    corpus = build(pairs + [(en.upper(), f"{ru}.") for en, ru in pairs])
    assert dropped(corpus) == {"duplicate": len(pairs)}
    assert set(places(corpus)) == set(pairs)


def test_suite_sentences_of_either_language_leave_both_splits() -> None:
    pairs = many()
    suite = [en.upper() + "?" for en, _ in pairs[:20]] + [f"{ru}, да" for _, ru in pairs[20:40]]
    corpus = build(pairs, suite)
    found = dropped(corpus)
    assert found["in_suite"] == 20
    assert not set(pairs[:20]) & set(places(corpus))
    assert len(corpus.train) + len(corpus.heldout) + sum(found.values()) == len(pairs)


def test_a_larger_limit_keeps_the_same_pairs_and_more() -> None:
    small, large, all_pairs = (places(build(many(), max_pairs=limit)) for limit in (100, 300, None))
    assert len(small) == 100
    assert len(large) == 300
    assert small.items() <= large.items() <= all_pairs.items()


def test_a_limit_keeps_the_share_held_out() -> None:
    limited = build(many(4_000), max_pairs=1_000)
    assert len(limited.heldout) == pytest.approx(200, abs=60)


def test_a_corpus_of_which_nothing_is_left_says_why() -> None:
    with pytest.raises(
        HeadshrinkError, match=r"no train pair is left of given: 2 read, dropped: not_russian 2"
    ) as caught:
        build([("One sentence", "One sentence"), ("Two sentences", "Two sentences")])
    assert "\n" not in str(caught.value)


def test_files_hold_the_pairs_in_order_and_are_the_same_bytes_twice(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        write_corpus(build(many()), tmp_path / name, "given", "parallel")
    for file in ("train.parquet", "heldout.parquet", "counts.json"):
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "two" / file).read_bytes()
    rows = pq.read_table(tmp_path / "one" / "train.parquet").to_pylist()
    assert [(row["en"], row["ru"], row["source"]) for row in rows] == [
        (p.en, p.ru, p.source) for p in build(many()).train
    ]
    counts = json.loads((tmp_path / "one" / "counts.json").read_text())
    assert counts["read"] == {"memory": 400}
    assert counts["train"] + counts["heldout"] == 400
    assert not counts["generated"]


def test_bytes_do_not_depend_on_the_number_of_cores(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Copies, near-copies of the suite and dropped pairs in all chunks, counted by the same reasons."""
    pairs = [*many(), ("", "пусто"), *many(60), ("A house", "Дом"), ("A house", "Дом"), ("кот", "кот")] * 2
    monkeypatch.setattr(build_module, "PAIRS_PER_CHUNK", 50)
    for count in (1, 3):
        monkeypatch.setattr(cores, "cores", lambda count=count: count)
        (tmp_path / str(count)).mkdir()
        corpus = build(pairs, suite=["A house!"], max_pairs=300)
        assert dropped(corpus).keys() == {"missing_side", "duplicate", "in_suite", "not_english", "over_limit"}
        write_corpus(corpus, tmp_path / str(count), "given", "parallel")
    for file in ("train.parquet", "heldout.parquet", "counts.json"):
        assert (tmp_path / "1" / file).read_bytes() == (tmp_path / "3" / file).read_bytes()


def test_the_time_left_is_told_by_the_number_of_pairs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = [f"{en}\t{ru}\n" for en, ru in many()]
    (tmp_path / "pairs.tsv").write_text("".join(lines))
    monkeypatch.setattr(build_module, "PAIRS_PER_CHUNK", 100)
    monkeypatch.setattr("headshrink.progress.SECONDS_BETWEEN_LINES", 0)
    read_corpus(tmp_path / "pairs.tsv")
    said = [line for line in capsys.readouterr().err.splitlines() if line.startswith("cleaning pairs")]
    assert [line.partition(",")[0] for line in said] == [f"cleaning pairs: {n}/400" for n in (100, 200, 300, 400)]
    assert all(line.endswith("left") for line in said)
