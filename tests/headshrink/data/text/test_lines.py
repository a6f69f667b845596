"""A line ends with \\n or \\r\\n alone; what is no UTF-8 text or no line is refused by file, line and byte."""

import gzip
import io
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headshrink.data.text import lines
from headshrink.data.text.lines import decoded, read_lines, read_text, readable_once
from headshrink.errors import HeadshrinkError

SEPARATORS = "\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029\r"  # where str.splitlines would end a line


@given(st.lists(st.text(st.characters(exclude_characters="\n\0", exclude_categories=["Cs"]))), st.booleans())
def test_what_is_written_is_read_line_by_line(texts: list[str], mark: bool) -> None:
    texts = [text.removeprefix("\ufeff") if i == 0 else text for i, text in enumerate(texts)]
    content = "".join(f"{text}\r\n" for text in texts).encode("utf-8-sig" if mark else "utf-8")
    assert list(decoded(io.BytesIO(content), "x")) == ([""] if mark and not texts else texts)


def test_only_the_two_line_ends_end_a_line(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(f"a{SEPARATORS}b\r\nc\n\nd".encode())
    assert list(read_lines(tmp_path / "x")) == [f"a{SEPARATORS}b", "c", "", "d"]
    assert read_text(tmp_path / "x") == f"a{SEPARATORS}b\r\nc\n\nd"


def test_only_the_mark_at_the_start_is_no_text(tmp_path: Path) -> None:
    (tmp_path / "x.gz").write_bytes(gzip.compress("\ufeffкот\n\ufeffпёс\n".encode()))
    assert list(read_lines(tmp_path / "x.gz")) == ["кот", "\ufeffпёс"]
    (tmp_path / "x.json").write_text('["кот"]', encoding="utf-8-sig")
    assert read_text(tmp_path / "x.json") == '["кот"]'


@pytest.mark.parametrize(
    ("content", "place"),
    [
        ("кот\n".encode() + "a\tпёс\n".encode("cp1251"), "line 2, byte 3: 0xef"),
        ("кот\n".encode("koi8-r"), "line 1, byte 1: 0xcb"),
        ("cat\n".encode("utf-16"), "line 1, byte 1: 0xff"),
        ("cat\n".encode("utf-16-le"), "line 1, byte 2: 0x00"),
        (b"cat\ndo\0g\n", "line 2, byte 3: 0x00"),
        (b"cat\n\xed\xa0\x80\n", "line 2, byte 1: 0xed"),
        (gzip.compress(b"cat\n", mtime=0), "line 1, byte 2: 0x8b"),
    ],
)
def test_what_is_no_text_is_refused_by_line_and_byte(tmp_path: Path, content: bytes, place: str) -> None:
    file = tmp_path / "old.txt"
    file.write_bytes(content)
    for read in (lambda: list(read_lines(file)), lambda: read_text(file)):
        with pytest.raises(HeadshrinkError) as caught:
            read()
        assert str(caught.value).startswith(f"{file}, {place}")
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize("end", ["", "\n", "\r\n"])
def test_the_longest_line_passes_and_a_longer_one_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, end: str
) -> None:
    monkeypatch.setattr(lines, "MAX_LINE_BYTES", 10)
    file = tmp_path / "x.txt"
    file.write_bytes(f"cat\n{'a' * 10}{end}".encode())
    assert list(read_lines(file)) == ["cat", "a" * 10]
    file.write_bytes(f"cat\n{'a' * 11}{end}".encode())
    with pytest.raises(HeadshrinkError, match=r"x\.txt, line 2 is longer than 10 bytes"):
        list(read_lines(file))


def test_an_endless_line_takes_no_memory(tmp_path: Path) -> None:
    """A gigabyte without a line end, in the middle of a file, with 128 MB more than the imports take."""
    file = tmp_path / "huge.tsv"
    file.write_bytes(b"cat\tcat\n" + b"x")
    os.truncate(file, 1 << 30)  # sparse, and NUL: the limit is met first
    code = "import resource, sys; from pathlib import Path; from headshrink.data.text.lines import read_lines\n"
    code += "limit = int(Path('/proc/self/statm').read_text().split()[0]) * resource.getpagesize() + (1 << 27)\n"
    code += "resource.setrlimit(resource.RLIMIT_AS, (limit, limit)); list(read_lines(Path(sys.argv[1])))"
    done = subprocess.run([sys.executable, "-c", code, file], capture_output=True, text=True)
    assert "HeadshrinkError" in done.stderr.splitlines()[-1]
    assert "line 2 is longer than 1,048,576 bytes" in done.stderr.splitlines()[-1]


def test_what_cannot_be_read_is_one_line(tmp_path: Path) -> None:
    for place, reason in ((tmp_path, "Is a directory"), (tmp_path / "nowhere", "No such file")):
        for read in (lambda place=place: list(read_lines(place)), lambda place=place: read_text(place)):
            with pytest.raises(HeadshrinkError, match=f"cannot read {place} .{reason}"):
                read()


def test_pipes_and_devices_are_readable_once_and_files_are_not(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to(tmp_path / "file")
    found = {path.name: readable_once(path) for path in [*tmp_path.iterdir(), tmp_path, Path("/dev/null")]}
    assert found == {"fifo": True, "file": False, "link": False, tmp_path.name: False, "null": True}


def fed(fifo: Path, content: bytes) -> Path:
    """A named pipe that gives its content once; a second reading would wait for ever."""
    os.mkfifo(fifo)
    threading.Thread(target=fifo.write_bytes, args=(content,), daemon=True).start()
    return fifo


def test_a_pipe_is_read_as_a_file_is(tmp_path: Path) -> None:
    assert list(read_lines(fed(tmp_path / "fifo", "\ufeffкот\r\nпёс".encode()))) == ["кот", "пёс"]
