"""`make mlflow` prints the link that opens the runs and starts one worker."""

import signal
import socket
import sqlite3
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from conftest import free_port

from flows import mlflow_ui, view
from flows.checkout import FlowError
from tasks.tracking import ui_address


class Server:
    """A stand-in for the server's process, which ends at once."""

    started: "list[tuple[list[str], dict[str, Any]]]" = []  # noqa: RUF012
    pid = 2**22 + 1  # no process has it

    def __init__(self, command: list[str], **options: Any) -> None:
        self.started.append((command, options | {"address": ui_address(Path.cwd())}))

    def wait(self) -> int:
        return 0


def test_the_link_opens_the_saved_view_and_one_worker_serves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.setattr(mlflow_ui, "subprocess", SimpleNamespace(Popen=Server))
    port = free_port()
    assert mlflow_ui.serve(tmp_path, port) == 0
    [(command, options)] = Server.started
    with sqlite3.connect(tmp_path / "mlflow.db") as database:
        [(experiment, saved)] = database.execute("SELECT experiment_id, value FROM experiment_tags WHERE key = ?",
                                                 (view.TAG,))  # fmt: skip
    assert "compareRunCharts" in saved
    opened = f"http://127.0.0.1:{port}/#/experiments/{experiment}/runs?viewStateShareKey=results"
    assert opened in capsys.readouterr().out.splitlines()[0]
    assert command[command.index("--workers") + 1] == "1"
    assert options["env"]["MLFLOW_BACKEND_STORE_URI"] == f"sqlite:///{tmp_path}/mlflow.db"
    assert not any("sqlite" in word for word in command), "a database's address may hold a password"
    assert options["env"]["MLFLOW_SERVER_ENABLE_JOB_EXECUTION"] == "false"
    assert options["address"] == f"http://127.0.0.1:{port}", "where Prefect's links lead while it runs"
    assert ui_address(tmp_path) == "http://127.0.0.1:5000"


def test_what_cannot_be_served_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    before = signal.getsignal(signal.SIGTERM)
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        assert mlflow_ui.main(["--port", str(port)]) == 2
    signal.signal(signal.SIGTERM, before)
    assert capsys.readouterr().err == f"error: port {port} is taken; give another one with PORT=\n"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "https://mlflow.example.org")
    with pytest.raises(FlowError, match="MLFLOW_TRACKING_URI"):
        mlflow_ui.serve(tmp_path, free_port())


def test_the_address_of_a_server_holds_no_password(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "https://me:MARKED@mlflow.example.org:8443/team/?token=MARKED")
    assert ui_address(tmp_path) == "https://mlflow.example.org:8443/team"
