"""No marked secret leaves the program: not in an error, a warning, a report, MLflow's parameters or a request's URL."""

import base64
import hashlib
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import yaml

from flows.checkout import FlowError
from flows.repro import stage_output
from flows.track import Untracked, read_params
from headshrink.data.corpus.download import download
from headshrink.errors import HeadshrinkError
from headshrink.redact import redacted, secret_in
from tasks import live, report
from tasks.params import ParamsError, load

ROOT = Path(__file__).resolve().parents[2]
MARK = "S3CR3T-x7"
WITH_SECRET = [
    f"https://user:{MARK}@host/x.zip",
    f"https://{MARK}@host/x.zip",
    f"https://host/x.zip?X-Amz-Signature={MARK}&X-Amz-Date=1",
    f"https://host/x.zip?a=1&token={MARK}",
    f"https://host/x.zip?sv=2020&sig={MARK}%3D",
    f"https://host/x.zip?api%5Fkey={MARK}",
    f"https://host/x.zip?AWSAccessKeyId={MARK}",
    f"https://host/x.zip#access_token={MARK}",
    f"https://host/x.zip?accessToken={MARK}",
]
IN_TEXT = [
    *WITH_SECRET,
    f"postgresql+psycopg2://prefect:{MARK}@db:5432/prefect?sslmode=require",
    f"postgresql://prefect:{MARK}/1@db/prefect",
    f"http_proxy=http://me:{MARK}@proxy:3128",
    f"host=db user=me password={MARK} dbname=x",
    f"Authorization: Bearer {MARK}",
]
NUMBERS = lambda _: ""  # noqa: E731  # pytest puts a test's id into the environment, where passwords are looked for
NO_SECRET = [
    "https://host/a?design=1&monkey=2&max_tokens=3",
    "sqlite:////home/me/mlflow.db",
    "https://${USER}:${PASSWORD}@host/x?sig=${SIGNATURE}",
    "--set x: section.key=value with a key of the profile is needed",
    "b1_32tokens_1thread=4 tokens=8",
    "write to me@example.org",
]


@pytest.mark.parametrize("text", IN_TEXT, ids=NUMBERS)
def test_a_secret_is_hidden_in_any_text(text: str) -> None:
    shown = redacted(f"cannot reach {text}: check it")
    assert MARK not in shown
    assert "***" in shown
    assert shown.startswith("cannot reach ")


@pytest.mark.parametrize("text", NO_SECRET, ids=NUMBERS)
def test_what_is_no_secret_stays(text: str) -> None:
    assert redacted(text) == text


@pytest.mark.parametrize("piece", ["://", ":", "a=", "://a:", "a.", "=.", "@", "bearer "])
def test_a_long_line_is_read_in_one_go(piece: str) -> None:
    started = time.monotonic()
    redacted("https://" + piece * 50_000)
    assert time.monotonic() - started < 5


@pytest.mark.parametrize("kind", [HeadshrinkError, ParamsError, FlowError, Untracked])
@pytest.mark.parametrize("text", IN_TEXT, ids=NUMBERS)
def test_every_error_for_the_user_hides_it(kind: type[Exception], text: str) -> None:
    assert MARK not in str(kind(f"cannot reach {text}"))


def test_a_password_of_the_environment_is_hidden_wherever_a_library_prints_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"https://me:{MARK}%21@host")
    assert redacted(f"login failed for me with {MARK}! or {MARK}%21") == "login failed for me with *** or ***"


def parameters(tmp_path: Path, url: str) -> Path:
    content = yaml.safe_load((ROOT / "profiles" / "demo.yaml").read_text(encoding="utf-8"))
    content["corpus"] |= {"source": "yandex", "url": url, "sha256": "a" * 64}
    path = tmp_path / "params.yaml"
    path.write_text(yaml.safe_dump(content), encoding="utf-8")
    return path


@pytest.mark.parametrize("url", [*WITH_SECRET, f"https://user:{MARK}@host/{'x' * 200}"], ids=NUMBERS)
def test_params_yaml_takes_no_secret_and_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    monkeypatch.chdir(ROOT)
    with pytest.raises(ParamsError, match=r"put it into an environment variable and \$\{ITS_NAME\} here") as caught:
        load(parameters(tmp_path, url))
    assert MARK not in str(caught.value)


@pytest.mark.parametrize(
    "url", ["ftp://host/x", "host/x", "https://", "https://h:port/x", "https://h/a b", "https://[/"]
)
def test_what_is_no_url_is_refused_with_the_parameters(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    monkeypatch.chdir(ROOT)
    with pytest.raises(ParamsError, match="an http:// or https:// URL without spaces is needed"):
        load(parameters(tmp_path, url))


def test_a_refused_secret_is_in_no_line_of_the_stage(tmp_path: Path) -> None:
    parameters(tmp_path, WITH_SECRET[0])
    (tmp_path / "profiles").mkdir()
    (tmp_path / "profiles" / "none").touch()
    command = [sys.executable, "-m", "tasks.corpus"]
    done = subprocess.run(command, cwd=tmp_path, env={"PYTHONPATH": str(ROOT)}, capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert MARK not in done.stderr + done.stdout


class Server(BaseHTTPRequestHandler):
    """Serves b"corpus" for the right login and signature; /moved leads to another host name of this machine."""

    asked: list[tuple[str, str | None]] = []  # noqa: RUF012

    def do_GET(self) -> None:
        self.asked.append((self.path, self.headers.get("Authorization")))
        if self.path.startswith("/moved"):
            self.send_response(302)
            self.send_header("Location", f"http://localhost:{self.server.server_address[1]}/there?sig={MARK}")
            return self.end_headers()
        if f"sig={MARK}" not in self.path:
            return self.send_error(403)
        self.send_response(200)
        self.send_header("Content-Length", "6")
        self.end_headers()
        self.wfile.write(b"corpus")

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def address() -> Iterator[str]:
    Server.asked.clear()
    with ThreadingHTTPServer(("127.0.0.1", 0), Server) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield f"127.0.0.1:{running.server_address[1]}"
        running.shutdown()


def test_a_download_takes_login_and_signature_from_the_environment(
    address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CORPUS_PASSWORD", "p@ss:wörd/")
    monkeypatch.setenv("CORPUS_SIGNATURE", MARK)
    url = f"http://me:${{CORPUS_PASSWORD}}@{address}/x.zip?sig=${{CORPUS_SIGNATURE}}"
    assert secret_in(url) is None
    target = download(url, tmp_path / "x.zip", hashlib.sha256(b"corpus").hexdigest())
    assert target.read_bytes() == b"corpus"
    login = base64.b64encode("me:p@ss:wörd/".encode()).decode()
    assert Server.asked == [(f"/x.zip?sig={MARK}", f"Basic {login}")]


def test_a_login_is_not_given_to_the_server_that_a_download_is_sent_to(
    address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CORPUS_PASSWORD", MARK)
    download(f"http://me:${{CORPUS_PASSWORD}}@{address}/moved", tmp_path / "x", hashlib.sha256(b"corpus").hexdigest())
    assert [login is not None for _, login in Server.asked] == [True, False]


def test_a_download_that_fails_says_no_secret(address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    url = f"http://me:${{CORPUS_PASSWORD}}@{address}/x.zip?sig=${{CORPUS_SIGNATURE}}"
    with pytest.raises(HeadshrinkError, match="set the environment variable CORPUS_"):
        download(url, tmp_path / "x", "a" * 64)
    monkeypatch.setenv("CORPUS_PASSWORD", MARK)
    monkeypatch.setenv("CORPUS_SIGNATURE", f"{MARK} with spaces")
    with pytest.raises(HeadshrinkError) as caught:  # http.client repeats the whole path
        download(url, tmp_path / "x", "a" * 64)
    assert MARK not in str(caught.value)
    assert "${CORPUS_SIGNATURE}" in str(caught.value)


def test_lines_of_a_stage_and_parameters_of_mlflow_hold_no_secret() -> None:
    assert MARK not in "".join(stage_output([f"error: {text}" for text in IN_TEXT]))
    logged = read_params({"corpus": {"params": {"params.yaml": {"corpus": {"url": WITH_SECRET[0]}}}}})
    assert logged == {"corpus.url": "https://***@host/x.zip"}


def test_a_warning_of_the_live_curve_holds_no_secret(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    uri = f"http://me:{MARK}@localhost:1"
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)

    def refuse(*_: object) -> None:
        raise ConnectionError(f"no answer from {uri}\x1b[2J")

    monkeypatch.setattr(live, "connect", refuse)
    with live.LiveCurve("distill", {}):
        pass
    said = capsys.readouterr().err
    assert "no live curve in MLflow (http://***@localhost:1)" in said
    assert MARK not in said
    assert "\x1b" not in said


def test_the_report_gets_its_parameters_without_secrets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Parameters of before this rule may still be in the report's cache of a run: they are hidden there too."""
    from headshrink import report as library

    monkeypatch.chdir(ROOT)
    chosen = load()
    chosen.corpus.url = WITH_SECRET[2]
    seen: list[str] = []
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".work").mkdir()
    monkeypatch.setattr(library, "read_results", lambda _: None)
    monkeypatch.setattr(library, "write_report", lambda *given: seen.append(given[-1]))
    report.run(**dict(chosen))
    assert "X-Amz-Signature=***" in seen[0]
    assert MARK not in seen[0]


def test_mlflow_s_address_is_on_no_command_line() -> None:
    recipe = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert "--backend-store-uri" not in recipe
