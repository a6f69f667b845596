"""A run and its server: no call to the server ends a stage, and a run that lost it is recorded afterwards."""

import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path
from types import SimpleNamespace
from unittest import mock
from uuid import UUID, uuid4

import psutil
import pytest
from conftest import PIPELINE, change, ran
from served import Served, alive, until

from flows.checkout import holder, only_run
from flows.reporting import Reporting, note_of, settle, write_note
from flows.run_queue import RunQueue

# Prefect reads where its server is when it is imported; all tests of this process have the one of `served`.
pytestmark = [pytest.mark.timeout(1800), pytest.mark.usefixtures("served")]


@pytest.fixture(autouse=True)
def server_takes_reports(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Reporting, "lost", False)
    monkeypatch.setattr(Reporting, "_silent_until", 0.0)


@pytest.mark.parametrize("call", ["create_progress_artifact", "update_progress_artifact"])
def test_progress_that_the_server_does_not_take_is_one_line(call: str, capsys: pytest.CaptureFixture[str]) -> None:
    import httpx

    from flows import pipeline

    gone = httpx.ConnectError("All connection attempts failed")
    with (
        mock.patch.object(pipeline, "create_progress_artifact"),
        mock.patch.object(pipeline, "update_progress_artifact"),
        mock.patch.object(pipeline, call, side_effect=gone),
    ):
        progress = pipeline.Progress("distill")
        for step in range(1, 100):
            progress.read(f"step {step}/100")
        progress.end("Completed")
    said = capsys.readouterr().err
    assert said.count("\n") == 1, said
    assert "took no report (ConnectError: All connection attempts failed); the run goes on" in said


def test_a_run_alone_survives_its_own_server(stand_in: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without `make serve` Prefect starts a server for the run, which asks for a password as well."""
    for name in ("PREFECT_API_URL", "PREFECT_API_AUTH_STRING", "PREFECT_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{stand_in}/mlflow.db")
    (stand_in / "distill.slow").write_text("4")
    change(stand_in, "distill", seed=1)
    flow = subprocess.Popen([sys.executable, "-m", "flows.pipeline"], stderr=subprocess.PIPE, text=True)
    pid = int(until(lambda: (p := stand_in / "distill.pid").exists() and p.read_text(), 400, "distill starts"))
    [server] = [child for child in psutil.Process(flow.pid).children() if "uvicorn" in child.cmdline()]
    [address] = [link.laddr for link in server.net_connections("tcp") if link.status == psutil.CONN_LISTEN]
    with pytest.raises(urllib.error.HTTPError, match="401"):
        urllib.request.urlopen(f"http://127.0.0.1:{address.port}/api/admin/version")
    server.kill()
    assert alive(pid)
    _, errors = flow.communicate(timeout=200)
    assert flow.returncode == 0, errors
    assert "Traceback" not in errors, errors
    assert errors.count("Prefect's server took no report") == 1
    assert errors.count("Prefect's server was not told how the run ended") == 1
    assert not [line for line in errors.splitlines() if "| ERROR" in line or "| WARNING" in line], errors
    assert ran(stand_in)[-1] == list(PIPELINE)[-1]
    [note] = (stand_in / ".work" / "ended-runs").glob("*.json")
    assert '"COMPLETED"' in note.read_text()


def test_the_state_of_a_run_that_lost_its_server_is_recorded(served: Served, stand_in: Path) -> None:
    from prefect.states import Completed, Crashed, Running

    from flows.pipeline import pipeline

    with served.client() as client:
        left, crashed = (client.create_flow_run(pipeline, state=state).id for state in (Running(), Crashed()))
        for run in (left, crashed, uuid4()):  # the last is unknown here: a run of another server
            write_note(stand_in, run, Completed(message="report: here"))
        settle(stand_in)
        states = [client.read_flow_run(run).state for run in (left, crashed)]
    assert [(state.name, state.message) for state in states] == [("Completed", "report: here")] * 2
    assert not list(note_of(stand_in, left).parent.iterdir())


def test_a_run_by_hand_makes_the_queue_say_why_it_waits(stand_in: Path) -> None:
    """Once, not at every tick; and it starts nothing."""
    details = SimpleNamespace(state_details=SimpleNamespace(scheduled_time=None))
    waiting = SimpleNamespace(id=uuid4(), state=details)
    client = mock.Mock(get_scheduled_flow_runs_for_deployments=lambda *_, **__: [waiting])
    queue = RunQueue(stand_in, UUID(int=0))
    with only_run(stand_in, print):
        process = holder(stand_in)
        queue.tick(client)
        queue.tick(client)
    [(run, state)] = [call.args for call in client.set_flow_run_state.call_args_list]
    assert run == waiting.id
    assert (state.name, state.message) == (
        "Waiting",
        f"waiting: another run of this checkout is going on (process {process})",
    )
    assert queue.running is None


@pytest.mark.parametrize("module", ["flows.pipeline", "flows.serve"])
def test_a_dead_api_url_is_one_line_without_its_password(
    stand_in: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], module: str
) -> None:
    import importlib
    import signal

    monkeypatch.setenv("PREFECT_API_URL", "http://user:marked-secret@127.0.0.1:1/api")
    before = signal.getsignal(signal.SIGTERM)
    assert importlib.import_module(module).main([]) > 0
    signal.signal(signal.SIGTERM, before)
    said = capsys.readouterr().err
    place = "http://127.0.0.1:1/api (PREFECT_API_URL)"
    assert said == f"error: no Prefect server answers at {place}; start it, or unset the variable\n"
