"""The Yandex archive: two aligned files in a zip, and every way in which it can be wrong."""

import hashlib
import threading
import zipfile
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from headshrink.data.corpus.sources.yandex import Yandex
from headshrink.errors import HeadshrinkError

EN, RU = "1mcorpus/corpus.en_ru.1m.en", "1mcorpus/corpus.en_ru.1m.ru"
GOOD = {EN: "A cat sleeps.\nA dog runs.\n" * 2_000, RU: "Кошка спит.\nСобака бежит.\n" * 2_000, "README": "About"}


def archive(path: Path, entries: dict[str, str]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, text in entries.items():
            file.writestr(name, text)
    return path


def read(path: Path, sha256: str | None = None) -> list[tuple[str, str]]:
    return [(pair.en, pair.ru) for pair in Yandex(path, None, sha256, path.parent / "downloads").pairs()]


def test_line_i_of_one_file_goes_with_line_i_of_the_other(tmp_path: Path) -> None:
    pairs = read(archive(tmp_path / "1mcorpus.zip", GOOD))
    assert len(pairs) == 4_000
    assert pairs[:2] == [("A cat sleeps.", "Кошка спит."), ("A dog runs.", "Собака бежит.")]


def test_the_archive_may_be_a_url_with_its_hash(tmp_path: Path) -> None:
    served = archive(tmp_path / "1mcorpus.zip", GOOD)
    sha256 = hashlib.sha256(served.read_bytes()).hexdigest()
    handler = partial(SimpleHTTPRequestHandler, directory=str(tmp_path))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_address[1]}/1mcorpus.zip"
        pairs = list(Yandex(None, url, sha256, tmp_path / "downloads").pairs())
        server.shutdown()
    assert len(pairs) == 4_000
    assert [file.name for file in (tmp_path / "downloads").iterdir()] == [f"{sha256}.zip"]
    assert len(list(Yandex(None, url, sha256, tmp_path / "downloads").pairs())) == 4_000  # the server is gone


@pytest.mark.parametrize(
    ("entries", "said"),
    [
        ({**GOOD, "../outside.en": "x"}, r"an entry '\.\./outside\.en': entries must stay inside"),
        ({**GOOD, "/etc/outside": "x"}, "entries must stay inside"),
        ({**GOOD, "a\\..\\..\\outside": "x"}, "entries must stay inside"),
        ({EN: "One.\nTwo.\n", RU: "Раз.\n"}, r"\.en has 2 lines and .*\.ru 1: aligned files need equally many"),
        ({EN: "One.\n"}, r"holds 0 entries \*\.ru"),
        ({**GOOD, "other.en": "One.\n"}, r"holds 2 entries \*\.en"),
    ],
)
def test_a_wrong_archive_is_one_line(tmp_path: Path, entries: dict[str, str], said: str) -> None:
    with pytest.raises(HeadshrinkError, match=said) as caught:
        read(archive(tmp_path / "1mcorpus.zip", entries))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("share_left", [0.0, 0.3, 0.9, 0.999])
def test_a_truncated_archive_is_one_line(tmp_path: Path, share_left: float) -> None:
    path = archive(tmp_path / "1mcorpus.zip", GOOD)
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share_left)])
    with pytest.raises(HeadshrinkError, match="not a whole zip archive"):
        read(path)


def test_damage_inside_is_found_by_the_checksum(tmp_path: Path) -> None:
    path = tmp_path / "1mcorpus.zip"
    with zipfile.ZipFile(path, "w") as file:  # stored, so that a flipped bit changes text and nothing else
        file.writestr(EN, GOOD[EN])
        file.writestr(RU, GOOD[RU])
    path.write_bytes(path.read_bytes().replace(b"A dog", b"A cog", 1))
    with pytest.raises(HeadshrinkError, match="not a whole zip archive"):
        read(path)


def test_another_archive_than_the_one_asked_for_is_refused(tmp_path: Path) -> None:
    with pytest.raises(HeadshrinkError, match=f"not {'0' * 64}"):
        read(archive(tmp_path / "1mcorpus.zip", GOOD), sha256="0" * 64)


def test_without_path_and_url_there_is_no_archive(tmp_path: Path) -> None:
    with pytest.raises(HeadshrinkError, match="give its path, or its url and sha256"):
        list(Yandex(None, None, None, tmp_path).pairs())


def with_bits(path: Path, flags: int = 0, method: int | None = None, name: bytes | None = None) -> Path:
    """The archive with bits set in the flags of each entry, another compression method, or EN's name in other bytes."""
    raw = bytearray(path.read_bytes())
    for signature, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):  # local headers, central directory
        place = raw.find(signature)
        while place >= 0:
            raw[place + at] |= flags & 0xFF
            raw[place + at + 1] |= flags >> 8
            if method is not None:
                raw[place + at + 2] = method
            place = raw.find(signature, place + 4)
    path.write_bytes(bytes(raw) if name is None else bytes(raw).replace(EN.encode(), name))
    return path


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"flags": 0x1}, "is encrypted; an archive without one is needed"),
        ({"flags": 0x800, "name": b"\xff" * (len(EN) - 3) + b".en"}, "is not a whole zip archive"),
        ({"method": 99}, "is not a whole zip archive"),
        ({"method": 14}, "is not a whole zip archive"),
        ({"method": 12}, "is not a whole zip archive"),
    ],
)
def test_an_archive_that_cannot_be_read_is_one_line(tmp_path: Path, change: dict, said: str) -> None:
    path = with_bits(archive(tmp_path / "x.zip", GOOD), **change)
    with pytest.raises(HeadshrinkError) as caught:
        read(path)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_names_in_an_old_code_page_are_no_hindrance(tmp_path: Path) -> None:
    path = with_bits(archive(tmp_path / "x.zip", GOOD), name=b"\xae" * (len(EN) - 3) + b".en")
    assert len(read(path)) == 4_000


def test_a_small_archive_that_would_unpack_to_gigabytes_is_refused_before_it_is_unpacked(tmp_path: Path) -> None:
    path = archive(tmp_path / "bomb.zip", {EN: "a" * 30 * 2**20, RU: "b\n"})
    with pytest.raises(HeadshrinkError, match="would unpack to 31,457,280 bytes from"):
        read(path)


@pytest.mark.parametrize("content", [b"", b"PK", b"PK\x05\x06" + b"\xff" * 18, b"x" * 1_000])
def test_what_is_no_archive_is_one_line(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.zip").write_bytes(content)
    with pytest.raises(HeadshrinkError, match="is not a whole zip archive"):
        read(tmp_path / "x.zip")
