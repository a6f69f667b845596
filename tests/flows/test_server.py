"""A page of another origin, in the user's browser, can neither read nor change anything on the two servers."""

import base64
import http.client
import http.server
import json
import os
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import free_port
from served import Served, end_with_parent, until

from flows.server import ENTER, OwnPagesOnly, origins
from flows.settings import password

pytestmark = pytest.mark.timeout(1800)

# Each attempt as {what: result}; "read" only where the page saw the reply's text.
ATTACK = """async ([api, authorization]) => {
  const attempt = async (what, ...given) => {
    try {
      const reply = await fetch(...given);
      return [what, reply.type === "opaque" ? "opaque" : "read " + reply.status];
    } catch (error) { return [what, "refused"]; }
  };
  const socket = path => new Promise(done => {
    const opened = new WebSocket(api.replace("http", "ws") + path, ["prefect"]);
    opened.onopen = () => done([path, "open"]); opened.onerror = () => done([path, "refused"]);
  });
  const body = JSON.stringify({name: "stolen"});
  const json = {"content-type": "application/json", ...authorization};
  return Object.fromEntries([
    await attempt("get", api + "/admin/settings", {headers: authorization}),
    await attempt("preflighted", api + "/flows/", {method: "POST", body, headers: json}),
    await attempt("simple", api + "/flows/", {method: "POST", body, mode: "no-cors"}),  // text/plain
    await attempt("untyped", api + "/flows/", {method: "POST", body: new Blob([body]), mode: "no-cors"}),
    await socket("/events/out"), await socket("/events/in"),
  ]);
}"""
FORM = """<form method=post enctype=text/plain action="{api}/flows/">
<input name='{{"name":"stolen","x":"' value='"}}'></form>
<iframe src="{page}"></iframe>"""


class Page(http.server.BaseHTTPRequestHandler):
    """A page of another origin."""

    html = ""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("content-type", "text/html")
        self.end_headers()
        self.wfile.write(self.html.encode())

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def foreign() -> Iterator[str]:
    """The address of a hostile page, by another name of this machine and another port."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Page)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://localhost:{server.server_port}/"
    server.shutdown()


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    playwright = pytest.importorskip("playwright.sync_api")
    with playwright.sync_playwright() as started:
        chromium = started.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        yield chromium
        chromium.close()


def flows(served: Served) -> list[str]:
    with served.client() as client:
        return [flow.name for flow in client.read_flows()]


def authorization(served: Served) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(served.password().encode()).decode()}


def test_the_same_requests_succeed_from_the_interface_itself(served: Served, browser) -> None:
    """Otherwise the next test would prove nothing."""
    page = browser.new_page()
    page.goto(served.url.removesuffix("/api"))
    found = page.evaluate(ATTACK.replace("stolen", "own"), [served.url, authorization(served)])
    assert found["get"] == "read 200"
    assert found["preflighted"].startswith("read 20")
    assert found["/events/out"] == found["/events/in"] == "open"
    page.close()


@pytest.mark.parametrize("knows_the_password", [False, True])
def test_a_hostile_page_reads_and_changes_nothing(served: Served, foreign, browser, knows_the_password: bool) -> None:
    """The origin's check holds without the password's."""
    Page.html = FORM.format(api=served.url, page=served.url.removesuffix("api"))
    page = browser.new_page()
    page.goto(foreign)
    found = page.evaluate(ATTACK, [served.url, authorization(served) if knows_the_password else {}])
    assert {what for what, seen in found.items() if seen not in ("refused", "opaque")} == set(), found
    with page.expect_navigation():
        page.evaluate("document.forms[0].submit()")
    assert "not the interface's own" in page.content()
    assert "stolen" not in flows(served)
    page.close()


def ask(served: Served, path: str, **headers: str) -> int:
    """Status of a raw request."""
    connection = http.client.HTTPConnection("127.0.0.1", served.port, timeout=30)
    connection.request("GET", path, headers={name.replace("_", "-"): value for name, value in headers.items()})
    return connection.getresponse().status


def test_names_of_others_and_missing_passwords_are_refused(served: Served) -> None:
    """A foreign Host is DNS rebinding: the browser takes the page for one of the same origin."""
    own, known = f"127.0.0.1:{served.port}", authorization(served)
    assert ask(served, "/api/admin/version", Host=own, **known) == 200
    assert ask(served, "/api/admin/version", Host=own) == 401
    for host in ("evil.example", f"evil.example:{served.port}", f"127.0.0.1.evil.example:{served.port}", "127.0.0.1:1"):
        assert ask(served, "/api/admin/version", Host=host, **known) == 403, host
    for origin in ("null", "http://evil.example", f"https://{own}", f"http://{own}.evil.example"):
        assert ask(served, "/api/admin/version", Host=own, Origin=origin, **known) == 403, origin
    image = known | {"Sec_Fetch_Site": "same-site", "Sec_Fetch_Mode": "no-cors"}
    assert ask(served, "/api/admin/version", Host=own, **image) == 403


def test_the_password_is_secret_and_the_interface_knows_it(served: Served, browser) -> None:
    file, page_file = served.project / ".work" / "prefect-password", served.project / ".work" / "prefect.html"
    assert [stat.S_IMODE(path.stat().st_mode) for path in (file, page_file)] == [0o600, 0o600]
    encoded = base64.b64encode(served.password().encode()).decode()
    for log in ("serve.log", "server.log"):
        text = (served.project / ".work" / log).read_text()
        assert served.password() not in text
        assert encoded not in text
    import psutil

    lines = [" ".join(process.info["cmdline"] or []) for process in psutil.process_iter(["cmdline"])]
    assert not [line for line in lines if served.password() in line or encoded in line]
    context = browser.new_context()
    page = context.new_page()
    page.goto(page_file.as_uri())
    page.wait_for_url("**/deployments")
    page.get_by_text("weekly").first.wait_for(timeout=60_000)
    assert encoded not in page.url
    context.close()


def test_the_server_listens_on_this_machine_alone(served: Served) -> None:
    import psutil

    listening = [link.laddr for link in psutil.net_connections("tcp") if link.status == psutil.CONN_LISTEN]
    assert [address.ip for address in listening if address.port == served.port] == ["127.0.0.1"]


def test_a_host_of_the_users_choice_is_its_own() -> None:
    guard = OwnPagesOnly(None, origins("box.lan", 4200))  # type: ignore[arg-type]
    from starlette.datastructures import Headers

    assert guard.refusal(Headers({"host": "box.lan:4200", "origin": "http://box.lan:4200"})) is None
    assert guard.refusal(Headers({"host": "localhost:4200"})) is None
    assert guard.refusal(Headers({"host": "box.lan:4201"}))
    assert guard.refusal(Headers({})), "a request without Host"
    link = {"host": "box.lan:4200", "sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"}
    assert guard.refusal(Headers(link)) is None, "a link to the interface may stand anywhere"
    assert ENTER.startswith("/")


def test_one_password_for_all_processes(tmp_path: Path) -> None:
    assert len(password(tmp_path)) > 40
    assert password(tmp_path) == password(tmp_path)
    assert password(tmp_path / "other") != password(tmp_path)
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["prefect-password"]


def test_mlflows_server_refuses_foreign_hosts_and_origins(tmp_path: Path) -> None:
    port = free_port()
    command = [
        sys.executable,
        "-m",
        "mlflow",
        "ui",
        "--host",
        "127.0.0.1",
        "--port",
        str(port),
        "--workers",
        "1",
        "--backend-store-uri",
        f"sqlite:///{tmp_path}/mlflow.db",
    ]
    with open(tmp_path / "log", "w") as log:
        process = subprocess.Popen(command, cwd=tmp_path, stdout=log, stderr=log, preexec_fn=end_with_parent)

    def create(name: str, **headers: str) -> int | None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        given = {"Host": f"127.0.0.1:{port}", "Content-Type": "application/json"} | headers
        try:
            connection.request("POST", "/api/2.0/mlflow/experiments/create", json.dumps({"name": name}), given)
            return connection.getresponse().status
        except OSError:
            return None

    try:
        until(lambda: create("own") is not None, 200, "MLflow's server answers")
        assert create("second") == 200
        assert create("host", Host="evil.example") == 403
        assert create("origin", Origin="http://evil.example") == 403
    finally:
        os.killpg(process.pid, 15)
        process.wait()
