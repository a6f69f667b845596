"""Pairs of a file, a folder or a pipe, and the same sentences of a list: what every command reads."""

import gzip
import os
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from headshrink.data.corpus import read_corpus
from headshrink.data.text.pairs import Pair, complete_rows, count_rows, read_pairs, spread
from headshrink.data.text.sentences import read_sentences
from headshrink.errors import HeadshrinkError


def sides(path: Path) -> list[tuple[str, str]]:
    return [(pair.en, pair.ru) for pair in read_pairs(path)]


def test_separators_and_a_third_column_leave_one_pair_a_line(tmp_path: Path) -> None:
    file = tmp_path / "tatoeba.tsv"
    file.write_text(
        "\ufeffthe old house\tстарый дом\u2028у реки\tтатоэба, 7\r\nthe\x0ccat\tк\x85от\t8\t9\n", "utf-8", newline=""
    )
    assert sides(file) == [("the old house", "старый дом\u2028у реки"), ("the\x0ccat", "к\x85от")]
    assert [row.further for row in complete_rows(file)] == ["татоэба, 7", "8\t9"]


def test_rows_without_a_side_are_left_out_and_counted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "holes.tsv"
    file.write_text("cat\tкот\ndog\t\n\tдом\n\ntree\n \t \nhouse\tдом\n", encoding="utf-8")
    assert [row[1:4] for row in complete_rows(file)] == [(1, "cat", "кот"), (7, "house", "дом")]
    assert capsys.readouterr().err == f"{file}: 5 of 7 lines lack a side and are left out\n"
    file.write_text("cat\ndog\n", encoding="utf-8")
    with pytest.raises(HeadshrinkError, match=r"no pair in .*holes\.tsv \(2 lines\)"):
        complete_rows(file)


def test_words_that_look_like_missing_values_are_words(tmp_path: Path) -> None:
    (tmp_path / "x.tsv").write_text("NA\tнет\nnull\tnan\n#cat\t\"кот\n", encoding="utf-8")
    assert sides(tmp_path / "x.tsv") == [("NA", "нет"), ("null", "nan"), ("#cat", '"кот')]


def test_a_file_of_any_name_is_a_tsv_and_either_aligned_file_stands_for_both(tmp_path: Path) -> None:
    for name, content in {"pairs.txt": "cat\tкот\n", "x.en": "cat\n", "x.ru": "кот\n"}.items():
        (tmp_path / name).write_text(content, encoding="utf-8")
    for name in ("pairs.txt", "x.en", "x.ru"):
        assert sides(tmp_path / name) == [("cat", "кот")]


def test_a_mark_in_either_aligned_file_is_no_text(tmp_path: Path) -> None:
    (tmp_path / "x.en.gz").write_bytes(gzip.compress("cat\n".encode("utf-8-sig")))
    (tmp_path / "x.ru.gz").write_bytes(gzip.compress("кот\n".encode("utf-8-sig")))
    assert list(read_pairs(tmp_path)) == [Pair("cat", "кот", "x")]


def test_a_bad_row_in_the_middle_is_named(tmp_path: Path) -> None:
    (tmp_path / "x.tsv").write_bytes(b"cat\tcat\n" * 5_000 + b"cat\t\xea\xee\xf2\n" + b"cat\tcat\n" * 5_000)
    pairs = read_pairs(tmp_path)
    for _ in range(5_000):
        next(pairs)
    with pytest.raises(HeadshrinkError, match=r"x\.tsv, line 5001, byte 5: 0xea"):
        next(pairs)


def test_hidden_and_unpaired_files_of_a_folder_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "a.tsv").write_text("cat\tкот\n", encoding="utf-8")
    (tmp_path / "._a.tsv").write_bytes(b"\0\1")  # as macOS leaves beside a file
    (tmp_path / "mono.en.txt").write_text("cat\n", encoding="utf-8")
    assert sides(tmp_path) == [("cat", "кот")]


READERS: dict[str, Callable[[Path], object]] = {
    "pairs": sides,
    "rows": lambda path: [(row.left, row.right) for row in complete_rows(path)],
    "corpus": lambda path: [(pair.en, pair.ru) for pair in read_corpus(path, heldout_percent=0).train],
    "sentences": lambda path: [tuple(line.split("\t")) for line in read_sentences(path)],
}


@pytest.mark.parametrize("reader", READERS)
def test_a_pipe_gives_what_a_file_gives(tmp_path: Path, reader: str) -> None:
    content = "".join(f"The cat number {i}\tКошка номер {i}\n" for i in range(300)).encode()
    (tmp_path / "file").write_bytes(content)
    os.mkfifo(tmp_path / "fifo")
    threading.Thread(target=(tmp_path / "fifo").write_bytes, args=(content,), daemon=True).start()
    found = READERS[reader](tmp_path / "fifo")
    assert found == READERS[reader](tmp_path / "file")
    assert len(found) == 300  # type: ignore[arg-type]


def test_sentences_of_a_folder_are_those_of_its_text_files(tmp_path: Path) -> None:
    (tmp_path / "b.txt.gz").write_bytes(gzip.compress("дом\n".encode()))
    (tmp_path / "a.txt").write_text("\ufeffкот\u2028спит\n\n пёс\x0cбежит \n", encoding="utf-8", newline="")
    (tmp_path / "pairs.tsv").write_text("cat\tкот\n", encoding="utf-8")
    assert list(read_sentences(tmp_path)) == ["кот\u2028спит", "пёс\x0cбежит", "дом"]
    assert list(read_sentences(tmp_path / "a.txt")) == ["кот\u2028спит", "пёс\x0cбежит"]


def test_a_place_without_a_sentence_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("\n \n", encoding="utf-8")
    for place in (tmp_path, tmp_path / "a.txt"):
        with pytest.raises(HeadshrinkError, match="no sentence in"):
            list(read_sentences(place))


def test_spread_pairs_come_from_the_whole_file() -> None:
    assert spread(range(10), 3) == range(0, 9, 3)
    assert list(spread([1, 2], 5)) == [1, 2]


def test_rows_are_counted_before_they_are_read(tmp_path: Path) -> None:
    """With and without a last line end, gzipped and aligned; not of pipes, and not of what reading refuses."""
    (tmp_path / "a.tsv").write_text("one\tодин\r\ntwo\tдва\u2028и\n\nfour\tчетыре")
    with gzip.open(tmp_path / "b.en.gz", "wt") as en, gzip.open(tmp_path / "b.ru.gz", "wt") as ru:
        en.write("five\nsix\n")
        ru.write("пять\nшесть\n")
    assert count_rows(tmp_path) == len(list(read_pairs(tmp_path))) == 6
    assert count_rows(tmp_path / "nowhere.tsv") is None
    (tmp_path / "b.en.gz").write_bytes(b"no gzip")
    assert count_rows(tmp_path) is None
    os.mkfifo(tmp_path / "pipe")
    assert count_rows(tmp_path / "pipe") is None
