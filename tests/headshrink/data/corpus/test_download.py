"""Downloads resume, are checked, land whole or not at all, and fail in one line."""

import hashlib
import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from headshrink.data.corpus.download import download
from headshrink.errors import HeadshrinkError

CONTENT = bytes(range(256)) * 20_000  # 5 MB
SHA256 = hashlib.sha256(CONTENT).hexdigest()


class Server(BaseHTTPRequestHandler):
    """Serves CONTENT with ranges; `break_at` drops one connection after so many bytes, `resumes` may be off."""

    break_at: int | None = None
    resumes = True
    asked: list[str | None] = []  # noqa: RUF012

    def do_GET(self) -> None:
        cls, wanted = type(self), self.headers.get("Range")
        cls.asked.append(wanted)
        start = int(re.fullmatch(r"bytes=(\d+)-", wanted)[1]) if wanted and self.resumes else 0
        if self.path != "/corpus.zip" or start >= len(CONTENT):
            return self.send_error(404 if self.path != "/corpus.zip" else 416)
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(CONTENT) - start))
        self.end_headers()
        stop, cls.break_at = cls.break_at, None
        self.wfile.write(CONTENT[start:stop])

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[type[Server]]:
    handler = type("Handler", (Server,), {"asked": []})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        handler.url = f"http://127.0.0.1:{running.server_address[1]}/corpus.zip"
        yield handler
        running.shutdown()


def folder_of(path: Path) -> list[str]:
    return sorted(file.name for file in path.parent.iterdir())


def test_a_broken_download_resumes_where_it_broke(server: type[Server], tmp_path: Path) -> None:
    target, server.break_at = tmp_path / "corpus.zip", 3_000_000
    with pytest.raises(HeadshrinkError, match="broke after 3000000 of 5120000 bytes; go online and run again"):
        download(server.url, target, SHA256)
    assert folder_of(target) == ["corpus.zip.part"]
    assert download(server.url, target, SHA256).read_bytes() == CONTENT
    assert server.asked == [None, "bytes=3000000-"]
    assert folder_of(target) == ["corpus.zip"]


def test_a_server_that_cannot_resume_is_asked_for_all_of_it(server: type[Server], tmp_path: Path) -> None:
    server.resumes = False
    (tmp_path / "corpus.zip.part").write_bytes(CONTENT[:100])
    assert download(server.url, tmp_path / "corpus.zip", SHA256).read_bytes() == CONTENT


def test_a_whole_part_needs_no_more_bytes(server: type[Server], tmp_path: Path) -> None:
    (tmp_path / "corpus.zip.part").write_bytes(CONTENT)
    assert download(server.url, tmp_path / "corpus.zip", SHA256).read_bytes() == CONTENT


def test_a_file_that_is_there_is_not_fetched_again(server: type[Server], tmp_path: Path) -> None:
    (tmp_path / "corpus.zip").write_bytes(CONTENT)
    download(server.url, tmp_path / "corpus.zip", SHA256)
    assert server.asked == []


def test_a_wrong_hash_leaves_nothing(server: type[Server], tmp_path: Path) -> None:
    with pytest.raises(HeadshrinkError, match=f"has SHA-256 {SHA256}, not {'0' * 64}"):
        download(server.url, tmp_path / "corpus.zip", "0" * 64)
    assert list(tmp_path.iterdir()) == []


def test_mistakes_and_no_network_are_one_line(server: type[Server], tmp_path: Path) -> None:
    cases = {
        server.url + "x": "HTTP 404",
        "http://127.0.0.1:9/corpus.zip": "go online",
        "file:///etc/passwd": "allowed are http:// and https://",
    }
    for url, said in cases.items():
        with pytest.raises(HeadshrinkError, match=said) as caught:
            download(url, tmp_path / "corpus.zip", SHA256)
        assert "\n" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []
