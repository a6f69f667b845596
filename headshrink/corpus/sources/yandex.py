"""The Yandex 1M Russian-English corpus: two aligned text files in a zip, local or downloaded."""

import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from headshrink.corpus.download import check_sha256, download
from headshrink.corpus.sources._base import Pair, Source
from headshrink.errors import HeadshrinkError
from headshrink.text.lines import decoded
from headshrink.text.pairs import aligned


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
                lines = aligned(decoded(opened.open(en), en), decoded(opened.open(ru), ru), (en, ru))
                yield from (Pair(english, russian, "yandex") for english, russian in lines)
        except (zipfile.BadZipFile, zlib.error, EOFError) as error:
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
    if len(found) != 1:
        raise HeadshrinkError(f"{path} holds {len(found)} entries *.{language}: it must hold one *.en and one *.ru")
    return found[0]
