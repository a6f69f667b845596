"""Cells of a CSV as they are written: nothing is taken for a missing value, a number or an encoding that it is not."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headshrink.data.text.tables import read_columns, read_texts
from headshrink.errors import HeadshrinkError

COLUMNS = ("sentence1", "sentence2")
SCORE = ("similarity_score",)
HEADER = "sentence1,sentence2,similarity_score\n"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "graded.csv"


@pytest.mark.parametrize(
    ("row", "texts"),
    [
        ("NA,нет данных", ("NA", "нет данных")),
        ('"null","nan"', ("null", "nan")),
        ("None,N/A", ("None", "N/A")),
        ("1945,1946", ("1945", "1946")),
        ("007,1e3", ("007", "1e3")),
        ("True,False", ("True", "False")),
        ("кот\u2028спит,к\x85от\x0c", ("кот\u2028спит", "к\x85от\x0c")),
        ("кот\rспит,пёс", ("кот\rспит", "пёс")),
        ('"кот, ""пёс""\nи дом",#дом', ('кот, "пёс"\nи дом', "#дом")),
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_text_is_what_is_written(file: Path, row: str, texts: tuple[str, str], encoding: str, end: str) -> None:
    file.write_text((HEADER + row + ",4.5\n").replace("\n", end), encoding=encoding, newline="")
    left, right, score = read_columns(file, COLUMNS, numbers=SCORE).values()
    assert (left[0], right[0]) == texts
    assert score.tolist() == [4.5]
    assert read_texts(file, [*COLUMNS, "text"]) == {"sentence1": [texts[0]], "sentence2": [texts[1]]}


def test_labels_are_numbers_or_words_as_a_whole_column(file: Path) -> None:
    file.write_text("text,a,b\nкот,1,None\nпёс,0,play\n", encoding="utf-8")
    found = read_columns(file, ["text"], ["a", "b"])
    assert found["a"].dtype == np.int64
    assert list(found["b"]) == ["None", "play"]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (HEADER + 'кот,пёс,"4,0"\nкот,дом,1\n', r"no similarity_score but '4,0' in row 1; a number with a decimal"),
        (HEADER + "кот,пёс,4\nкот,дом,nan\n", r"but 'nan' in row 2"),
        (HEADER + "кот,пёс,inf\n", r"but 'inf' in row 1"),
        (HEADER + "кот,пёс,True\n", r"row 1; a number"),
        (HEADER + "кот,,4\n", r"no sentence2 in row 1; every row needs one"),
        (HEADER + "кот,пёс,4\nкот,дом\n", r"no similarity_score in row 2; every row needs one"),
        (HEADER + "кот,пёс,4,5\n", r"rows have more cells than the header"),
        (HEADER, r"holds no rows"),
        ("", r"cannot be read"),
        ("sentence1;sentence2;similarity_score\nкот;пёс;4,0\n", r"by semicolons: save it with commas"),
        ("sep=;\nsentence1;sentence2;similarity_score\nкот;пёс;4\n", r"by semicolons: save it with commas"),
    ],
)
def test_what_a_table_lacks_is_one_line(file: Path, content: str, said: str) -> None:
    file.write_text(content, encoding="utf-8")
    with pytest.raises(HeadshrinkError, match=said) as caught:
        read_columns(file, COLUMNS, numbers=SCORE)
    assert str(file) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_another_encoding_is_named_by_line_and_byte(file: Path) -> None:
    file.write_bytes(HEADER.encode() + "кот,пёс,4\n".encode("cp1251"))
    with pytest.raises(HeadshrinkError, match=r"graded\.csv, line 2, byte 1: 0xea"):
        read_columns(file, COLUMNS, numbers=SCORE)


WORDS = st.text("кот ,\"\n1.\u2028", min_size=1).filter(lambda text: text.strip() != "")


@given(st.lists(st.tuples(WORDS, WORDS, st.floats(0, 5)), min_size=1))
def test_a_table_that_pandas_wrote_is_read_as_it_was(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, str, float]]
) -> None:
    file = tmp_path_factory.mktemp("table") / "x.csv"
    pd.DataFrame(rows, columns=[*COLUMNS, *SCORE]).to_csv(file, index=False)
    found = read_columns(file, COLUMNS, numbers=SCORE)
    assert list(zip(found["sentence1"], found["sentence2"], strict=True)) == [row[:2] for row in rows]
    assert found["similarity_score"].tolist() == pytest.approx([row[2] for row in rows])
