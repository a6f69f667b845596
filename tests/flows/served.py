"""A real `python -m flows.serve` for the tests, and the questions that they ask of its server."""

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import psutil

Found = TypeVar("Found")
ROOT = Path(__file__).resolve().parents[2]


def until(condition: Callable[[], Found], seconds: float, what: str) -> Found:
    """The first true value of `condition`; AssertionError where none comes within `seconds`."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if value := condition():
            return value
        time.sleep(0.1)
    raise AssertionError(f"not within {seconds} s: {what}")


def end_with_parent() -> None:
    """SIGTERM for this process when the tests are killed."""
    os.setsid()
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGTERM)


class Served:
    """`make serve` in a project of its own."""

    def __init__(self, project: Path, home: Path, port: int) -> None:
        self.project, self.port, self.log = project, port, project / ".work" / "serve.log"
        self.url = f"http://127.0.0.1:{port}/api"
        own = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}
        self.environment = own | {
            "PYTHONPATH": str(ROOT),
            "PREFECT_UI_STATIC_DIRECTORY": str(home / "ui"),
            "PREFECT_HOME": str(home),
            "PREFECT_LOGGING_LEVEL": "WARNING",
            "MLFLOW_TRACKING_URI": f"sqlite:///{home}/mlflow.db",
        }

    def start(self) -> None:
        log = self.log.open("w")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "flows.serve", "--port", str(self.port)],
            cwd=self.project,
            env=self.environment,
            stdout=log,
            stderr=subprocess.STDOUT,
            preexec_fn=end_with_parent,
        )
        log.close()
        until(self._ready, 700, "flows.serve registers its deployment")

    def password(self) -> str:
        from flows.settings import password

        return password(self.project / ".work")

    def another(self) -> "Served":
        """A second `make serve` of the same project at the same server, as after a restart."""
        other = Served(self.project, self.project, self.port)
        other.environment = self.environment | {"PREFECT_API_URL": self.url, "PREFECT_API_AUTH_STRING": self.password()}
        other.log = self.log.with_name("serve-again.log")
        other.start()
        return other

    def _ready(self) -> bool:
        assert self.process.poll() is None, self.log.read_text()
        return "Prefect:" in self.log.read_text()

    def stop(self) -> None:
        """As by Ctrl-C, or a service manager."""
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(120) == 0, self.log.read_text()

    def client(self) -> Any:
        from prefect.client.orchestration import get_client

        return get_client(sync_client=True)

    def deployment(self) -> Any:
        from prefect.exceptions import ObjectNotFound

        with self.client() as client:
            try:
                return client.read_deployment_by_name("headshrink/weekly")
            except ObjectNotFound:
                return None

    def ask(self, **parameters: Any) -> Any:
        """Ask for a run as the form does; its id."""
        with self.client() as client:
            return client.create_flow_run_from_deployment(self.deployment().id, parameters=parameters).id

    def state(self, run: Any) -> Any:
        with self.client() as client:
            return client.read_flow_run(run).state

    def cancel(self, run: Any) -> None:
        """What the UI's button does."""
        from prefect.states import Cancelling

        with self.client() as client:
            client.set_flow_run_state(run, Cancelling())

    def tasks(self, run: Any) -> dict[str, str]:
        return tasks_of(run)

    def finished(self, run: Any, seconds: float = 120) -> Any:
        return until(lambda: (state := self.state(run)).is_final() and state, seconds, "the run ends")


def tasks_of(run: Any) -> dict[str, str]:
    """State name of every task of a flow run, by the task's name."""
    from prefect.client.orchestration import get_client
    from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterId

    with get_client(sync_client=True) as client:
        runs = client.read_task_runs(flow_run_filter=FlowRunFilter(id=FlowRunFilterId(any_=[run])))
    return {task.name: task.state.name for task in runs}


def alive(pid: int) -> bool:
    """Whether a process runs; a zombie does not."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
