"""A hub of the tests' own: enough of the Hugging Face hub's HTTP protocol for its real clients to load and to publish.

It serves repositories from memory at one commit each: look-ups (`/api/models/ID/revision/COMMIT`, `tree`,
`paths-info`) and files with ranges (`/ID/resolve/COMMIT/PATH`). HF_ENDPOINT names it; the clients read that variable
when they are imported, so they run in a process of their own.

A client publishes by making a repository (`/api/repos/create`), asking which files are large (`preupload`), putting
those where `/ID.git/info/lfs/objects/batch` says, and sending the others within the commit.
"""

import base64
import hashlib
import json
import os
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

ID, CALL = r"(?P<id>[^/]+/[^/]+)", r"(?P<call>[a-z-]+)/(?P<revision>[^/]+)(/(?P<path>.*))?"
API = re.compile(rf"/api/(?P<kind>models|datasets)/{ID}(/{CALL})?")
FILE = re.compile(rf"/((?P<kind>datasets)/)?{ID}/resolve/(?P<revision>[^/]+)/(?P<path>.+)")


LFS = re.compile(rf"/{ID}\.git/info/lfs/objects/batch")
LARGE = (".safetensors", ".onnx", ".bin")


class Repository:
    """The files of one repository at its one commit, which is a hash of them."""

    def __init__(self, name: str, files: dict[str, bytes]) -> None:
        self.name, self.files = name, files
        digests = [f"{path} {hashlib.sha1(content).hexdigest()}" for path, content in sorted(files.items())]
        self.commit = hashlib.sha1("\n".join(digests).encode()).hexdigest()

    def entry(self, path: str) -> dict[str, Any]:
        content = self.files[path]
        return {"type": "file", "path": path, "size": len(content), "oid": hashlib.sha1(content).hexdigest()}

    def tree(self, below: str, recursive: bool) -> list[dict[str, Any]]:
        """Files and folders below a folder ("" for the root); only its own level unless recursive."""
        prefix = f"{below}/" if below else ""
        inside = [path for path in sorted(self.files) if path.startswith(prefix)]
        folders = {prefix + path[len(prefix) :].split("/")[0] for path in inside if "/" in path[len(prefix) :]}
        directories = [{"type": "directory", "path": path, "size": 0, "oid": "0" * 40} for path in sorted(folders)]
        level = [path for path in inside if recursive or "/" not in path[len(prefix) :]]
        return [*directories, *(self.entry(path) for path in level)]

    def info(self) -> dict[str, Any]:
        siblings = [{"rfilename": path} for path in sorted(self.files)]
        facts = {"id": self.name, "sha": self.commit, "siblings": siblings, "tags": [], "downloads": 0, "likes": 0}
        return facts | {"private": False, "gated": False, "disabled": False, "lastModified": "2024-01-01T00:00:00.000Z"}


class FakeHub:
    """The server; a context manager. `requests` lists (method, path) in order of arrival.

    `break_once["ID/PATH"] = bytes` drops the connection of a file's first download after so many bytes; `offsets`
    lists where each of its downloads started. Repositories named in `forbidden` answer that they are forbidden.
    `large` holds the large files that clients have put, by hash, committed or not.
    """

    def __init__(self) -> None:
        self.repositories: dict[tuple[str, str], Repository] = {}
        self.requests: list[tuple[str, str]] = []
        self.break_once: dict[str, int] = {}
        self.offsets: dict[str, list[int]] = {}
        self.forbidden: set[str] = set()
        self.large: dict[str, bytes] = {}

    def add(self, kind: str, name: str, folder: Path) -> str:
        """Serve a folder as a repository of kind "models" or "datasets"; returns its commit."""
        files = {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}
        self.repositories[kind, name] = Repository(name, files)
        return self.repositories[kind, name].commit

    def environment(self, home: Path) -> dict[str, str]:
        """The environment of a client process: this hub, an empty cache, no other network settings."""
        inherited = {key: value for key, value in os.environ.items() if not key.startswith("HF_")}
        return inherited | {"HF_ENDPOINT": self.url, "HF_HOME": str(home), "HF_HUB_DISABLE_TELEMETRY": "1"}

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_address[1]}"

    def __enter__(self) -> "FakeHub":
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (Handler,), {"hub": self}))
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *exc: object) -> None:
        self.server.shutdown()
        self.server.server_close()


class Handler(BaseHTTPRequestHandler):
    """One request."""

    hub: FakeHub
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        path = unquote(url.path)
        self.hub.requests.append((self.command, path))
        if match := API.fullmatch(path):
            self.api(match, parse_qs(url.query))
        elif match := FILE.fullmatch(path):
            self.file(match)
        else:
            self.missing("RepoNotFound")

    do_HEAD = do_GET

    def do_POST(self) -> None:
        path = unquote(urlsplit(self.path).path)
        match = API.fullmatch(path)
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.hub.requests.append((self.command, self.path))
        if path == "/api/repos/create":
            return self.create(json.loads(body))
        if path == "/api/validate-yaml":
            return self.answer({"errors": [], "warnings": []})
        if LFS.fullmatch(path):
            return self.large_files(json.loads(body))
        if not match or not (repository := self.repository(match)):
            return None
        if match["call"] == "paths-info":
            fields = json.loads(body) if body[:1] == b"{" else parse_qs(body.decode())
            return self.answer([repository.entry(path) for path in fields["paths"] if path in repository.files])
        if match["call"] == "preupload":
            return self.answer({"files": [self.how_to_send(file["path"]) for file in json.loads(body)["files"]]})
        return self.commit(repository, [json.loads(line) for line in body.splitlines()])

    def create(self, wanted: dict[str, Any]) -> None:
        name = "/".join(part for part in (wanted.get("organization"), wanted["name"]) if part)
        if name in self.hub.forbidden:
            return self.send(403, b"", {})
        self.hub.repositories.setdefault(("models", name), Repository(name, {}))
        return self.answer({"url": f"{self.hub.url}/{name}", "id": name})

    def how_to_send(self, path: str) -> dict[str, Any]:
        return {"path": path, "uploadMode": "lfs" if path.endswith(LARGE) else "regular", "shouldIgnore": False}

    def large_files(self, wanted: dict[str, Any]) -> None:
        """Where to put each large file, by the hash of its content."""
        actions = [
            item | {"actions": {"upload": {"href": f"{self.hub.url}/lfs/{item['oid']}"}}} for item in wanted["objects"]
        ]
        self.answer({"transfer": "basic", "objects": actions})

    def do_PUT(self) -> None:
        content = self.rfile.read(int(self.headers["Content-Length"]))
        self.hub.large[self.path.removeprefix("/lfs/")] = content
        self.send(200, b"", {})

    def commit(self, repository: Repository, lines: list[dict[str, Any]]) -> None:
        """One commit: a line of facts, then a line per file, by content or by the hash of what was put."""
        files = dict(repository.files)
        for line in lines:
            value = line["value"]
            if line["key"] == "file":
                files[value["path"]] = base64.b64decode(value["content"])
            elif line["key"] == "lfsFile":
                files[value["path"]] = self.hub.large[value["oid"]]
        new = Repository(repository.name, files)
        self.hub.repositories["models", repository.name] = new
        self.answer({"commitUrl": f"{self.hub.url}/{new.name}/commit/{new.commit}", "commitOid": new.commit})

    def repository(self, match: re.Match[str]) -> Repository | None:
        """The repository of a request, or None after an answer that it or its revision does not exist."""
        repository = self.hub.repositories.get((match["kind"] or "models", match["id"]))
        if match["id"] in self.hub.forbidden:
            self.send(403, b"", {})  # the clients would try a server's error again for half a minute
        elif repository is None:
            self.missing("RepoNotFound")
        elif match["revision"] not in (None, "main", repository.commit):
            self.missing("RevisionNotFound")
        else:
            return repository
        return None

    def api(self, match: re.Match[str], query: dict[str, list[str]]) -> None:
        if not (repository := self.repository(match)):
            return
        if match["call"] == "tree":
            recursive = query.get("recursive", ["false"])[0].lower() in ("true", "1")
            listing = repository.tree(match["path"] or "", recursive)
            self.answer(listing) if listing else self.missing("EntryNotFound")
        elif match["call"] in (None, "revision"):
            self.answer(repository.info())
        else:
            self.missing("EntryNotFound")

    def file(self, match: re.Match[str]) -> None:
        """A file or, as a broken download asks when it resumes, its bytes from an offset on."""
        if not (repository := self.repository(match)):
            return
        if (content := repository.files.get(match["path"])) is None:
            return self.missing("EntryNotFound")
        headers = {"X-Repo-Commit": repository.commit, "ETag": f'"{hashlib.sha1(content).hexdigest()}"'}
        wanted = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        start = int(wanted[1]) if wanted else 0
        stop = int(wanted[2]) + 1 if wanted and wanted[2] else len(content)
        if wanted:
            headers["Content-Range"] = f"bytes {start}-{min(stop, len(content)) - 1}/{len(content)}"
        file = f"{match['id']}/{match['path']}"
        if self.command == "GET":
            self.hub.offsets.setdefault(file, []).append(start)
        break_after = self.hub.break_once.pop(file, None) if self.command == "GET" else None
        self.send(206 if wanted else 200, content[start:stop], headers, break_after)

    def answer(self, content: Any) -> None:
        self.send(200, json.dumps(content).encode(), {"Content-Type": "application/json"})

    def missing(self, code: str) -> None:
        self.send(404, json.dumps({"error": code}).encode(), {"X-Error-Code": code, "X-Error-Message": code})

    def send(self, status: int, body: bytes, headers: dict[str, str], break_after: int | None = None) -> None:
        self.send_response(status)
        for key, value in (headers | {"Content-Length": str(len(body)), "Accept-Ranges": "bytes"}).items():
            self.send_header(key, value)
        self.end_headers()
        if self.command == "HEAD":
            return
        self.wfile.write(body[:break_after])
        self.close_connection = break_after is not None

    def log_message(self, format: str, *args: object) -> None:
        """Keep the tests' output free of requests."""
