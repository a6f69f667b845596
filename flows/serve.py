"""`make serve`: Prefect's server and UI, and the pipeline as a deployment with a form and a weekly schedule."""

import argparse
import ipaddress
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID

from flows import settings
from flows.checkout import FlowError, holder
from flows.reporting import settle
from flows.run_queue import RunQueue
from flows.server import ENTER, ORIGINS, origins
from headshrink.errors import first_line
from tasks.tracking import WORK, main_checkout

if TYPE_CHECKING:
    from prefect.client.schemas.responses import DeploymentResponse
    from prefect.deployments.runner import RunnerDeployment

DEPLOYMENT = "weekly"
WEEKLY = "0 3 * * 0"  # Sunday, three in the morning
SECONDS_TO_START = 600.0  # 15 s of work on a fresh database, which a busy machine stretches
SECONDS_BETWEEN_POLLS = 3.0  # for new runs
SECONDS_TO_END_A_RUN = 8.0  # at Ctrl-C
RESTARTS = 5  # of a server that dies
LOOPBACK = "127.0.0.1"
PAGE = "prefect.html"  # under .work: opens the interface and gives the browser the password


class Server:
    """Prefect's server as a child that dies with this process, because it runs under a supervisor."""

    def __init__(self, work: Path, host: str, port: int) -> None:
        self.work, self.host, self.port, self.log = work, host, port, work / "server.log"
        self.url = f"{origins(name_of(host), port)[0]}/api"
        self.restarts = 0
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and wait until it answers; FlowError where the port is taken or the server does not start."""
        check_port(self.host, self.port)
        command = [sys.executable, "-m", "flows.server", "--host", self.host, "--port", str(self.port)]
        with open(self.log, "a" if self.restarts else "w", encoding="utf-8") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-I", "-S", str(Path(__file__).with_name("supervise.py")), *command],
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        deadline = time.monotonic() + SECONDS_TO_START
        while not settings.answers(self.url):
            if self.ended() or time.monotonic() > deadline:
                lines = self.log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
                raise FlowError(f"the Prefect server did not start ({self.log}): {lines[-1] if lines else 'no output'}")
            time.sleep(0.3)
        (self.work / settings.SERVER_NOTE).write_text(self.url + "\n", encoding="utf-8")

    def ended(self) -> bool:
        return self._process is not None and self._process.poll() is not None

    def restart(self) -> None:
        """Start it again, saying so; FlowError where it has died too often."""
        if self.restarts >= RESTARTS:
            raise FlowError(f"the Prefect server ended {RESTARTS + 1} times; its last lines are in {self.log}")
        self.restarts += 1
        say(f"the Prefect server has ended; starting it again ({self.restarts} of {RESTARTS})")
        self.start()
        say("the Prefect server is back")

    def stop(self) -> None:
        (self.work / settings.SERVER_NOTE).unlink(missing_ok=True)
        if self._process and self._process.stdin:
            self._process.stdin.close()
            self._process.wait()


def check_port(host: str, port: int) -> None:
    """FlowError where another program listens there, or this machine does not have the address."""
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # of a server that has just ended
            probe.bind(address)
    except (OSError, OverflowError) as error:
        raise FlowError(f"cannot listen on {host} port {port}: {error}; take another with --port") from error


def name_of(host: str) -> str:
    """The name under which a browser asks for this host; that of the machine where it listens on all addresses."""
    try:
        return socket.gethostname() if ipaddress.ip_address(host).is_unspecified else host
    except ValueError:
        return host


@contextmanager
def server(work: Path, host: str, port: int) -> Iterator[Server | None]:
    """A server of ours for the length of the block, behind a password; None where PREFECT_API_URL names the user's."""
    if "PREFECT_API_URL" in os.environ:
        if reason := settings.dead_server():
            raise FlowError(reason)
        yield None
        return
    ours = Server(work, host, port)
    password = os.environ.setdefault("PREFECT_SERVER_API_AUTH_STRING", settings.password(work))
    if not password:
        raise FlowError("PREFECT_SERVER_API_AUTH_STRING is empty; the server needs a password, or unset the variable")
    os.environ.setdefault(ORIGINS, ",".join(origins(name_of(host), port)))
    os.environ.update(PREFECT_API_URL=ours.url, PREFECT_UI_API_URL=ours.url, PREFECT_API_AUTH_STRING=password)
    try:
        ours.start()
        yield ours
    finally:
        ours.stop()


def invitation(ours: Server) -> str:
    """How to open the interface without typing the password: a link on a terminal, otherwise a file with the link."""
    address = ours.url.removesuffix("/api")
    link = f"{address}{ENTER}#{b64encode(os.environ['PREFECT_API_AUTH_STRING'].encode()).decode()}"
    page = ours.work / PAGE
    page.unlink(missing_ok=True)
    with open(os.open(page, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w") as file:
        file.write(f'<meta http-equiv="refresh" content="0;url={link}">\n')
    return link if sys.stdout.isatty() else f"{address}; open {page} in a browser, it knows the password"


def serve(main: Path, ours: Server | None) -> None:
    """Register the deployment and run what it is asked for, one run at a time, until interrupted.

    A dead server is started again, and the run that is going on goes on meanwhile.
    """
    from httpx import HTTPError
    from prefect.client.orchestration import get_client
    from prefect.exceptions import PrefectException

    from flows.pipeline import pipeline

    interrupted = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: interrupted.set())
    end_dead_runs(main, pipeline.name)
    registered = deployment().apply()
    queue = RunQueue(main, UUID(str(registered)))
    place = invitation(ours) if ours else os.environ["PREFECT_API_URL"].removesuffix("/api")
    say(f"Prefect: {place} (Ctrl-C ends it)")
    lost = False
    try:
        while not interrupted.wait(SECONDS_BETWEEN_POLLS):
            try:
                if ours and ours.ended():
                    ours.restart()
                with get_client(sync_client=True) as client:
                    queue.tick(client)
                lost = False
            except FlowError:
                raise
            except (HTTPError, PrefectException, OSError, RuntimeError) as error:  # the next tick tries again
                if not lost and not (ours and ours.ended()):
                    say(f"the Prefect server took no request ({type(error).__name__}: {first_line(error)})")
                lost = True
    except FlowError as error:
        finish(queue, interrupted, error)
        raise
    finally:
        queue.end(SECONDS_TO_END_A_RUN, say)


def finish(queue: RunQueue, interrupted: threading.Event, error: FlowError) -> None:
    """Let the run that is going on end before the service does."""
    if queue.running and not queue.running.ended.is_set():
        say(f"{error}; waiting for the run that is going on")
        while not queue.running.ended.wait(1) and not interrupted.is_set():
            pass


def say(line: str) -> None:
    print(line, flush=True)


def deployment() -> "RunnerDeployment":
    """The deployment: weekly and switched off when new; later with the schedules and switches that the user has set.

    They are written back as they were, since registering a deployment without schedules deletes the server's.
    """
    from prefect.client.schemas.actions import DeploymentScheduleCreate
    from prefect.client.schemas.schedules import CronSchedule
    from prefect.deployments.runner import RunnerDeployment
    from prefect.types.entrypoint import EntrypointType

    from flows.pipeline import pipeline

    known = known_deployment(pipeline.name)
    schedules = [DeploymentScheduleCreate(schedule=CronSchedule(cron=WEEKLY), active=False)]
    if known:
        fields = ("schedule", "active", "max_scheduled_runs", "parameters", "slug")
        kept = [{field: getattr(schedule, field) for field in fields} for schedule in known.schedules]
        schedules = [DeploymentScheduleCreate(**schedule) for schedule in kept]
    return RunnerDeployment.from_flow(
        pipeline,
        name=DEPLOYMENT,
        schedules=schedules,
        paused=known.paused if known else False,
        description="Bring the result up to date. Empty fields of the form mean what params.yaml says at the start.",
        entrypoint_type=EntrypointType.MODULE_PATH,
    )


def known_deployment(flow: str) -> "DeploymentResponse | None":
    """What the server knows of the deployment, if anything."""
    from prefect.client.orchestration import get_client
    from prefect.exceptions import ObjectNotFound

    with get_client(sync_client=True) as client:
        try:
            return client.read_deployment_by_name(f"{flow}/{DEPLOYMENT}")
        except ObjectNotFound:
            return None


def end_dead_runs(main: Path, flow: str) -> None:
    """Mark as crashed what a killed server or runner left as running; the checkout's lock tells that nothing runs."""
    from prefect.client.orchestration import get_client
    from prefect.client.schemas.filters import FlowFilter, FlowFilterName, FlowRunFilter
    from prefect.states import Crashed

    if holder(main) is not None:
        return
    settle(main)
    unfinished = FlowRunFilter.model_validate({"state": {"type": {"any_": ["RUNNING", "PENDING", "CANCELLING"]}}})
    ours = FlowFilter(name=FlowFilterName(any_=[flow]))
    with get_client(sync_client=True) as client:
        for run in client.read_flow_runs(flow_filter=ours, flow_run_filter=unfinished):
            client.set_flow_run_state(run.id, Crashed(message="its process was killed"), force=True)


def main(arguments: list[str] | None = None) -> int:
    """Serve until Ctrl-C or SIGTERM; exit 2 after one line where the server cannot start."""
    parser = argparse.ArgumentParser(prog="python -m flows.serve", description="Prefect server, UI and deployment.")
    parser.add_argument("--port", type=int, default=4200)
    parser.add_argument("--host", default=LOOPBACK, help="address to listen on; default: this machine alone")
    given = parser.parse_args(arguments)
    checkout = Path.cwd()
    work = main_checkout(checkout) / WORK
    work.mkdir(exist_ok=True)
    settings.apply(look_for_server=False)
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        with server(work, given.host, given.port) as ours:
            serve(checkout, ours)
    except KeyboardInterrupt:
        pass
    except FlowError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
