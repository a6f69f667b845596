"""One reader of YAML: it takes values as DVC does, and refuses at once what is ambiguous or grows without limit."""

import math
import time
from itertools import pairwise
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from tasks.yaml_file import MAX_BYTES, YamlError, dump, in_one_line, parse, read_sections

DOUBLING = "a: &a [x, x]\n" + "".join(f"{b}: &{b} [*{a}, *{a}]\n" for a, b in pairwise("abcdefghij"))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("prune:\n  ratio: 0.1\n  ratio: 0.9\n", "line 3, column 3: the key ratio is there twice, first in line 2"),
        ("{a: {b: 1, b: 1}}", "the key b is there twice"),
        (DOUBLING, "line 1, column 4: anchors (&) and aliases (*) are not allowed"),
        ("a: &a [*a]", "anchors (&) and aliases (*) are not allowed"),
        ("[" * 100_000, "nested deeper than 20 levels"),
        ("{a: " * 30_000, "nested deeper than 20 levels"),
        ("a: 1\n" * MAX_BYTES, "more than 256 KiB"),
        ("a: " + "9" * 5_000, "a number of 5000 digits"),
        ("a: !!binary aGk=", "tags (!) are not allowed"),
        ("a: !!python/name:os.system", "tags (!) are not allowed"),
        ("1: a", "the key 1 is no text"),
        ("? [a]\n: b", "is no text"),
        ("a: \0", "#x0000"),
        ("a:\n\tb: 1", "line 2, column 1: found character"),
        ("a: 1\n---\nb: 2", "another document"),
        ("a: 'b", "line 1, column 6"),
    ],
)
def test_what_has_two_meanings_or_no_limit_is_refused_at_once(text: str, said: str) -> None:
    started = time.monotonic()
    with pytest.raises(YamlError) as caught:
        parse(text)
    assert time.monotonic() - started < 5
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "text",
    ["5e-4", "-1E3", "1.", ".5", "010", "0x1F", "0o17", "+1", "1:30", "yes", "no", "on", "True", "null", "~", "''",
     "2026-01-01", "2026-01-01 10:00:00", ".inf", "-.Inf", "5e70123", "[1, a, 2.5]", "{a: 1e-3}", "нет"],
)  # fmt: skip
def test_a_value_means_what_dvc_takes_it_for(text: str) -> None:
    """DVC reads params.yaml by this parser, as YAML 1.2, and puts what it has read into dvc.lock."""
    content = f"a: {text}"
    wanted = YAML(typ="safe", pure=True).load(content)["a"]
    found = parse(content)["a"]
    if text.startswith("2026"):  # a date is of no use as a parameter: it stays the text that it is
        assert found == text
    else:
        assert (found, type(found)) == (wanted, type(wanted))


def test_nan_is_read_as_a_number() -> None:
    assert math.isnan(parse(".nan"))


@pytest.mark.parametrize(
    "value",
    ["5e-4", "5e70123", "1:30", "yes", "null", "", "a # b", "a: b", "0o17", "=", "\x1b", 1e-05, True, [], {"a": [1]}],
)  # fmt: skip
def test_what_is_written_is_read_as_the_same_value(value: object) -> None:
    assert parse(dump({"a": value})) == {"a": value}
    assert parse(f"a: {in_one_line(value)}") == {"a": value}


def test_a_repeated_value_is_written_out() -> None:
    shared = [1, 2]
    assert parse(dump({"a": shared, "b": shared})) == {"a": [1, 2], "b": [1, 2]}


@pytest.mark.parametrize("content", [b"", b"- 1\n", b"text", b"\xff\xfe\x00", b"a: \xd0\n", b"\x89PNG\r\n\x1a\n\0"])
def test_a_file_that_holds_no_sections_is_one_line_with_its_path(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "params.yaml"
    path.write_bytes(content)
    with pytest.raises(YamlError) as caught:
        read_sections(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)


def test_a_folder_a_missing_file_and_an_endless_device_are_one_line(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "none", Path("/dev/zero")):
        with pytest.raises(YamlError, match=str(path)):
            read_sections(path)
