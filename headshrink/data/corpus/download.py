"""One file over HTTP: resumed where it broke off, checked by hash, in place only when it is whole and right."""

import base64
import http.client
import os
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

from headshrink.errors import HeadshrinkError
from headshrink.hashing import file_sha256
from headshrink.output import check_file, exclusive
from headshrink.progress import Bar
from headshrink.redact import filled_in

MB = 10**6
SECONDS_WITHOUT_A_BYTE = 60
RANGE_NOT_SATISFIABLE = 416


def check_sha256(path: Path, expected: str) -> None:
    """Raise HeadshrinkError where a file's hash is not the expected one."""
    if (found := file_sha256(path)) != expected:
        raise HeadshrinkError(f"{path} has SHA-256 {found}, not {expected}: it is not the file that is asked for")


def download(url: str, target: Path, sha256: str) -> Path:
    """Fetch `url` into `target` and return it; nothing is fetched where `target` is there already.

    An interrupted download stays as `target`.part, and the next one asks for the rest of it (HTTP Range). Raises
    HeadshrinkError offline, for a connection that breaks, and for a wrong hash; a part of wrong hash is removed, for
    no continuation of it can be right.
    """
    if target.is_file():
        check_sha256(target, sha256)
        return target
    check_file(target)
    part = target.with_name(target.name + ".part")
    with exclusive(part.with_name(part.name + ".lock"), f"another process downloads {target}: wait for it"):
        fetch_rest(url, part)
        try:
            check_sha256(part, sha256)
        except HeadshrinkError as error:
            part.unlink()
            raise HeadshrinkError(f"{url}: {str(error).removeprefix(str(part)).strip()}") from error
        os.replace(part, target)
    return target


def fetch_rest(url: str, part: Path) -> None:
    """Append to `part` what the server has beyond it; start again where the server does not resume."""
    have = part.stat().st_size if part.exists() else 0
    request = request_of(url)
    if have:
        request.add_header("Range", f"bytes={have}-")
    try:
        with urllib.request.urlopen(request, timeout=SECONDS_WITHOUT_A_BYTE) as response:
            receive(response, part, have if response.status == http.HTTPStatus.PARTIAL_CONTENT else 0)
    except urllib.error.HTTPError as error:
        if error.code != RANGE_NOT_SATISFIABLE:  # there is no rest: the hash tells whether the part is the whole
            raise HeadshrinkError(f"cannot download {url}: HTTP {error.code} {error.reason}; check the URL") from error
    except (urllib.error.URLError, http.client.HTTPException, ConnectionError, TimeoutError) as error:
        reason = getattr(error, "reason", error)
        raise HeadshrinkError(f"cannot download {url}: {reason}; go online and run again, it resumes") from error


def request_of(url: str) -> urllib.request.Request:
    """The request for a URL, whose `${NAME}` are environment variables: its secrets are nowhere but in the request.

    A user and a password go to this server alone, and to none that it redirects to. Raises HeadshrinkError for a
    variable that is not set and for what is no http:// or https:// URL.
    """
    try:
        parts = urllib.parse.urlsplit(url)
        userinfo, at, host = parts.netloc.rpartition("@")
        address, login = filled_in(parts._replace(netloc=host).geturl()), filled_in(userinfo)
        if urllib.parse.urlsplit(address).scheme not in ("http", "https"):
            raise ValueError("no http:// or https:// URL")
        request = urllib.request.Request(address)
    except KeyError as error:
        raise HeadshrinkError(f"cannot download {url}: set the environment variable {error.args[0]}") from error
    except ValueError as error:
        raise HeadshrinkError(f"cannot download {url} ({error}): allowed are http:// and https:// URLs") from error
    if at:
        request.add_unredirected_header("Authorization", f"Basic {base64.b64encode(login.encode()).decode()}")
    return request


def receive(response: http.client.HTTPResponse, part: Path, have: int) -> None:
    """Write a response's body to `part` from byte `have` on; HeadshrinkError where it ends too early."""
    expected = int(response.headers["Content-Length"]) if "Content-Length" in response.headers else None
    total = None if expected is None else -(-(have + expected) // MB)
    received = 0
    with open(part, "ab") as file, Bar(f"downloading {part.stem} (MB)", total) as bar:
        file.truncate(have)
        bar.advance(have // MB)
        while block := response.read(MB):
            file.write(block)
            received += len(block)
            bar.advance()
        os.fsync(file.fileno())
    if expected is not None and received < expected:
        raise ConnectionError(f"the connection broke after {have + received} of {have + expected} bytes")
