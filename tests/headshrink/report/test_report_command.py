"""`headshrink compare`: two model folders and a file of pairs in, one page out."""

import json
import re
from pathlib import Path

import pytest

from headshrink.errors import HeadshrinkError
from headshrink.report.command import main, read_labelled


def test_a_model_compared_with_itself_moves_nothing(tiny_folder: Path, tmp_path: Path) -> None:
    pairs, page = tmp_path / "pairs.tsv", tmp_path / "page.html"
    pairs.write_text("кошка спит\tthe cat sleeps\t4\nдом большой\ta big house\n\n", encoding="utf-8")
    copy = tiny_folder.rename(tmp_path / "student")
    main(copy, copy, pairs=pairs, output=page)
    data = json.loads(re.search(r'type="application/json">(.*)</script>', page.read_text(encoding="utf-8"))[1])
    assert data["models"] == [str(copy), f"{copy} (second)"]
    assert [pair[3] for pair in data["pairs"]] == [pair[4] for pair in data["pairs"]]
    assert [pair[2] for pair in data["pairs"]] == [4.0, None]


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
