"""`headshrink compare`: two model folders and a file of pairs in, one page out."""

import json
import re
from pathlib import Path

import numpy as np
import pytest

from headshrink.errors import HeadshrinkError
from headshrink.report.command import main, read_labelled


def test_a_model_compared_with_itself_moves_nothing(tiny_folder: Path, tmp_path: Path) -> None:
    pairs, page = tmp_path / "pairs.tsv", tmp_path / "page.html"
    pairs.write_text("кошка спит\tthe cat sleeps\t4\nдом большой\ta big house\n\n", encoding="utf-8")
    copy = tiny_folder.rename(tmp_path / "student")
    main(copy, copy, pairs=pairs, out=page)
    data = json.loads(re.search(r'type="application/json">(.*)</script>', page.read_text(encoding="utf-8"))[1])
    assert data["models"] == [str(copy), f"{copy} (second)"]
    assert [pair[3] for pair in data["pairs"]] == [pair[4] for pair in data["pairs"]]
    assert [pair[2] for pair in data["pairs"]] == [4.0, None]


def test_labels_and_rows_of_a_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a.tsv").write_text("\ufeffone\u2028two\tthree\t4\tby A\nNA\t\n", encoding="utf-8", newline="")
    (tmp_path / "b.tsv").write_text("null\tnan\t\n", encoding="utf-8")
    data = read_labelled(tmp_path)
    assert (data.left, data.right) == (["one\u2028two", "null"], ["three", "nan"])
    np.testing.assert_equal(data.label, [4.0, np.nan])
    assert "1 of 3 lines lack a side" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("one\ttwo\tmuch", "line 1: the label 'much' is no number"),
        ("one\ttwo\nthree\tfour\tnan", "line 2: the label 'nan' is no number"),
        ("alone\n", "no pair in"),
        ("\n", "no pair in"),
    ],
)
def test_a_file_that_is_no_pairs_is_one_line(text: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "pairs.tsv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(HeadshrinkError, match=said) as caught:
        read_labelled(path)
    assert "\n" not in str(caught.value)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(HeadshrinkError, match=r"nothing\.tsv"):
        read_labelled(tmp_path / "nothing.tsv")
