"""Pairs of a command: the pipeline's cleaning, split and decontamination, from a file or a folder."""

from pathlib import Path

import pytest
from test_suite_files import fill

from headshrink.data.corpus import Limits, SuiteIndex, build_corpus, read_corpus, suite_sentences, without_tested
from headshrink.data.corpus.clean import fold
from headshrink.data.corpus.sources.parallel import Parallel
from headshrink.errors import HeadshrinkError


def write_pairs(path: Path, rows: list[tuple[str, str]]) -> Path:
    path.write_text("".join(f"{en}\t{ru}\n" for en, ru in rows), encoding="utf-8")
    return path


def numbered(count: int) -> list[tuple[str, str]]:
    return [(f"The cat number {i}", f"Кошка номер {i}") for i in range(count)]


def test_one_sentence_in_two_writings_is_on_one_side_of_the_split(tmp_path: Path) -> None:
    """By the raw English side, one of the two writings would be held out and the other trained on."""
    others = [(f"the cat, number {i}!", f"Вот кошка номер {i}") for i in range(400)]
    corpus = read_corpus(write_pairs(tmp_path / "x.tsv", numbered(400) + others))
    train, heldout = ({fold(pair.en) for pair in pairs} for pairs in (corpus.train, corpus.heldout))
    assert not train & heldout
    assert len(corpus.heldout) == 2 * len(heldout) > 10


def test_a_command_reads_the_corpus_that_the_pipeline_makes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    suite = fill(tmp_path / "suite")
    (tmp_path / "pairs").mkdir()
    others = [("Stsb_dev: sentence2", "Кошка спит тут"), ("alone", "")]
    write_pairs(tmp_path / "pairs" / "a.tsv", numbered(300) + others)
    write_pairs(tmp_path / "pairs" / "b.tsv", numbered(310))
    corpus = read_corpus(tmp_path / "pairs", suite)
    made = build_corpus(Parallel(tmp_path / "pairs"), Limits(), SuiteIndex(suite_sentences(suite)), 5)
    assert (corpus.train, corpus.heldout, corpus.counts) == (made.train, made.heldout, made.counts)
    assert capsys.readouterr().err == "pairs: 612 read, dropped: duplicate 300, in_suite 1, missing_side 1\n"


def test_without_a_suite_a_line_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    read_corpus(write_pairs(tmp_path / "x.tsv", [*numbered(5), ("alone", "")]))
    assert capsys.readouterr().err.splitlines() == [
        "x.tsv: 6 read, dropped: missing_side 1",
        "x.tsv: no suite is given, so sentences of the benchmark are not left out",
    ]


def test_a_corpus_without_heldout_pairs_is_refused_where_they_are_needed(tmp_path: Path) -> None:
    corpus = read_corpus(write_pairs(tmp_path / "x.tsv", numbered(1)))
    with pytest.raises(HeadshrinkError, match=r"no (train|held-out) pair is left of x\.tsv: 1 read, dropped: none"):
        corpus.checked("x.tsv")


def test_sentences_without_translation_are_distinct_and_untested() -> None:
    texts = ["Кошка спит", "Кошка  спит", "Held out!", "Из набора?", "Дом"]
    assert without_tested(texts, ["held OUT"], SuiteIndex(["из набора"])) == ["Кошка спит", "Дом"]
