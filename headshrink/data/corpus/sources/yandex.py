"""The Yandex 1M Russian-English corpus: two aligned text files in a zip, local or downloaded."""

import lzma
import struct
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from headshrink.data.corpus.download import MB, check_sha256, download
from headshrink.data.corpus.sources._base import Source
from headshrink.data.text.lines import count_lines, decoded
from headshrink.data.text.pairs import Pair, aligned
from headshrink.errors import HeadshrinkError

# What zipfile raises for archives that are damaged, of an unknown method, or with names that are no UTF-8.
UNREADABLE = (
    zipfile.BadZipFile, zipfile.LargeZipFile, zlib.error, lzma.LZMAError, EOFError, NotImplementedError, UnicodeError,
    struct.error, ValueError, OSError,
)  # fmt: skip
MAX_BYTES = 16 * 2**30  # of a text; a million sentences take a hundred million
MAX_RATIO = 200  # of a text to its packed form; text packs five to ten times
ENCRYPTED = 0x1  # bit of an entry's flags


class Yandex(Source):
    """The archive's one `*.en` entry and one `*.ru` entry, line by line; nothing is unpacked to disk.

    Give the archive by `path`, or by `url` with its `sha256`, to be kept in the folder `downloads`. A local archive
    is checked too, where `sha256` is given. The corpus is licensed to its users one by one, so no URL is built in.
    """

    label = "Yandex 1M ru-en"

    def __init__(self, path: Path | None, url: str | None, sha256: str | None, downloads: Path) -> None:
        self.path, self.url, self.sha256, self.downloads = path, url, sha256, downloads

    def pairs(self) -> Iterator[Pair]:
        archive = self.fetch()
        try:
            with zipfile.ZipFile(archive) as opened:
                en, ru = (side(opened, language, archive) for language in ("en", "ru"))
                self.total = count_lines(opened.open(en))
                lines = aligned(decoded(opened.open(en), en), decoded(opened.open(ru), ru), (en, ru))
                yield from (Pair(english, russian, "yandex") for english, russian in lines)
        except UNREADABLE as error:
            if isinstance(error, OSError) and error.errno:  # the disk's; bz2 gives its own no number
                raise
            raise HeadshrinkError(f"{archive} is not a whole zip archive ({error}): fetch it again") from error

    def fetch(self) -> Path:
        """The archive as a local file of the right hash."""
        if self.path:
            if self.sha256:
                check_sha256(self.path, self.sha256)
            return self.path
        if not (self.url and self.sha256):
            raise HeadshrinkError("source yandex has no archive: give its path, or its url and sha256")
        return download(self.url, self.downloads / f"{self.sha256}.zip", self.sha256)


def side(archive: zipfile.ZipFile, language: str, path: Path) -> str:
    """The name of the archive's one entry in a language; an archive that reaches outside itself is refused whole."""
    names = archive.namelist()
    for name in names:
        parts = PurePosixPath(name.replace("\\", "/"))
        if parts.is_absolute() or ".." in parts.parts:
            raise HeadshrinkError(f"{path} has an entry {name!r}: entries must stay inside the archive")
    found = [name for name in names if name.endswith(f".{language}")]
    for entry in map(archive.getinfo, found):
        if entry.flag_bits & ENCRYPTED:
            raise HeadshrinkError(f"{path}: the entry {entry.filename} is encrypted; an archive without one is needed")
        if entry.file_size > min(MAX_BYTES, max(MB, MAX_RATIO * entry.compress_size)):
            raise HeadshrinkError(
                f"{path}: the entry {entry.filename} would unpack to {entry.file_size:,} bytes from "
                f"{entry.compress_size:,}; text packs at most {MAX_RATIO} times, {MAX_BYTES // 2**30} GiB are read"
            )
    if len(found) != 1:
        raise HeadshrinkError(f"{path} holds {len(found)} entries *.{language}: it must hold one *.en and one *.ru")
    return found[0]
