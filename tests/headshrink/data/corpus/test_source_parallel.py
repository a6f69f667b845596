"""TSV and aligned files, plain and gzipped, alone and in folders."""

import gzip
from pathlib import Path

import pytest

from headshrink.data.corpus.sources.parallel import Parallel
from headshrink.errors import HeadshrinkError

TSV = "A cat sleeps.\tКошка спит.\nA dog runs.\tСобака бежит.\n"
CAT, DOG = ("A cat sleeps.", "Кошка спит."), ("A dog runs.", "Собака бежит.")


def read(path: Path) -> list[tuple[str, str, str]]:
    return [(pair.en, pair.ru, pair.source) for pair in Parallel(path).pairs()]


def test_a_folder_gives_its_files_in_order_under_their_names(tmp_path: Path) -> None:
    (tmp_path / "b.tsv").write_text(TSV, encoding="utf-8")
    (tmp_path / "a.tsv.gz").write_bytes(gzip.compress(TSV.encode()))
    (tmp_path / "news.2018.en.txt").write_text("A cat sleeps.\r\nA dog runs.", encoding="utf-8")
    (tmp_path / "news.2018.ru.txt").write_text("Кошка спит.\nСобака бежит.\n", encoding="utf-8")
    (tmp_path / "z.en.gz").write_bytes(gzip.compress(b"A cat sleeps.\n"))
    (tmp_path / "z.ru.gz").write_bytes(gzip.compress("Кошка спит.\n".encode()))
    (tmp_path / "mono.en.txt").write_text("Unpaired.\n", encoding="utf-8")
    (tmp_path / "README.md").write_text("About these files", encoding="utf-8")
    expected = [(*pair, name) for name in ("a", "b", "news.2018") for pair in (CAT, DOG)]
    assert read(tmp_path) == [*expected, (*CAT, "z")]


def test_one_file_is_enough_and_further_columns_are_ignored(tmp_path: Path) -> None:
    (tmp_path / "scored.tsv").write_text("A cat sleeps.\tКошка спит.\t0.93\nNo translation\n", encoding="utf-8")
    assert read(tmp_path / "scored.tsv") == [(*CAT, "scored"), ("No translation", "", "scored")]


def test_a_line_that_is_not_utf8_is_refused_by_line_and_byte(tmp_path: Path) -> None:
    file = tmp_path / "old.tsv"
    file.write_bytes(TSV.encode() + "A house\tДом\n".encode("cp1251") + TSV.encode())
    with pytest.raises(HeadshrinkError, match=r"old\.tsv, line 3, byte 9: 0xc4 is no text here"):
        read(file)


def test_line_separators_inside_a_sentence_shift_nothing(tmp_path: Path) -> None:
    (tmp_path / "x.en").write_text("A cat\u2028sleeps.\nA\rdog runs.\n", encoding="utf-8", newline="")
    (tmp_path / "x.ru").write_text("Кошка спит.\nСобака\x85бежит.\n", encoding="utf-8", newline="")
    assert [pair.ru for pair in Parallel(tmp_path / "x.en").pairs()] == ["Кошка спит.", "Собака\x85бежит."]


def test_files_of_different_length_are_refused_with_both_counts(tmp_path: Path) -> None:
    (tmp_path / "x.en").write_text("One.\nTwo.\nThree.\n", encoding="utf-8")
    (tmp_path / "x.ru").write_text("Раз.\n", encoding="utf-8")
    with pytest.raises(HeadshrinkError, match=r"^x\.en has 3 lines and x\.ru 1: aligned files need equally many$"):
        read(tmp_path)


@pytest.mark.parametrize("alone", ["x.en", "x.ru.txt"])
def test_one_side_without_the_other_is_refused(tmp_path: Path, alone: str) -> None:
    (tmp_path / alone).write_text("One.\n", encoding="utf-8")
    with pytest.raises(HeadshrinkError, match="needs both sides"):
        read(tmp_path)


def test_a_folder_without_parallel_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "mono.en.txt").write_text("Unpaired.\n", encoding="utf-8")
    with pytest.raises(HeadshrinkError, match=r"no parallel text in .*NAME\.tsv"):
        read(tmp_path)


def test_half_a_gzip_file_is_refused(tmp_path: Path) -> None:
    whole = gzip.compress(TSV.encode() * 500)
    (tmp_path / "x.tsv.gz").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(HeadshrinkError, match="not a whole gzip file"):
        read(tmp_path)


def test_the_label_holds_no_path_of_the_machine(tmp_path: Path) -> None:
    assert Parallel(tmp_path / "my-corpus").label == "my-corpus"
