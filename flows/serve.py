"""`make serve`: Prefect's server and UI, and the pipeline as a deployment with a form and a weekly schedule."""

import argparse
import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from flows import settings
from flows.checkout import FlowError, free
from tasks.tracking import WORK, main_checkout

if TYPE_CHECKING:
    from prefect.client.schemas.responses import DeploymentResponse
    from prefect.deployments.runner import RunnerDeployment
    from prefect.runner import Runner

DEPLOYMENT = "weekly"
WEEKLY = "0 3 * * 0"  # Sunday, three in the morning
SECONDS_TO_START = 600.0  # 15 s of work on a fresh database, which a busy machine stretches
SECONDS_BETWEEN_POLLS = 3.0  # for new runs, and for cancellations where the server's events do not arrive


@contextmanager
def server(work: Path, port: int) -> Iterator[str]:
    """A Prefect server on loopback for the length of the block; its API address. The user's own where one is set.

    It dies with this process, because it runs under a supervisor. Raises FlowError where the port is taken or the
    server does not start.
    """
    if "PREFECT_API_URL" in os.environ:
        yield os.environ["PREFECT_API_URL"]
        return
    url = f"http://127.0.0.1:{port}/api"
    if settings.answers(url):
        raise FlowError(f"a Prefect server is running at port {port} already; stop it, or take another with --port")
    os.environ.update(PREFECT_API_URL=url, PREFECT_UI_API_URL=url)
    log = work / "server.log"
    command = [sys.executable, "-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", str(port)]
    with open(log, "w", encoding="utf-8") as output:
        process = subprocess.Popen(
            [sys.executable, "-I", "-S", str(Path(__file__).with_name("supervise.py")), *command],
            stdin=subprocess.PIPE, stdout=output, stderr=subprocess.STDOUT, start_new_session=True,
        )
    note = work / settings.SERVER_NOTE
    try:
        wait_for(url, process, log)
        note.write_text(url + "\n", encoding="utf-8")
        yield url
    finally:
        note.unlink(missing_ok=True)
        assert process.stdin
        process.stdin.close()
        process.wait()


def wait_for(url: str, process: "subprocess.Popen[bytes]", log: Path) -> None:
    """Return once the server answers; FlowError with its last line where it ends or takes too long."""
    deadline = time.monotonic() + SECONDS_TO_START
    while not settings.answers(url):
        if process.poll() is not None or time.monotonic() > deadline:
            last = (log.read_text(encoding="utf-8", errors="replace").strip().splitlines() or ["no output"])[-1]
            raise FlowError(f"the Prefect server did not start ({log}): {last}")
        time.sleep(0.3)


def deploy_and_serve(main: Path, url: str) -> None:
    """Register the deployment and run what it is asked for, one run at a time, until interrupted.

    Later runs wait as scheduled ones: the runner's own limit, unlike a limit of the deployment, leaves no slot taken
    when it is killed.
    """
    import prefect.runner.server  # noqa: F401  a long import, which a signal would find inside start()
    from prefect.runner import Runner

    from flows.pipeline import pipeline

    # pause_on_shutdown, on by default, would switch the user's schedule off whenever this ends.
    runner = Runner(name=DEPLOYMENT, limit=1, query_seconds=SECONDS_BETWEEN_POLLS, pause_on_shutdown=False)
    end_dead_runs(main, pipeline.name)
    runner.add_deployment(deployment())
    print(f"Prefect: {url.removesuffix('/api')}/deployments (Ctrl-C ends it)", flush=True)
    asyncio.run(run_until_signal(runner))


async def run_until_signal(runner: "Runner") -> None:
    """Run the runner; Ctrl-C and SIGTERM cancel what it runs and end it.

    Prefect's own handler calls a coroutine from a signal handler without awaiting it, and leaves the runs alone.
    """
    running = asyncio.create_task(runner.start())
    await asyncio.sleep(0)  # start() installs its handler before its first await
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, lambda: loop.create_task(runner.astop()))
    await running


def deployment() -> "RunnerDeployment":
    """The deployment: weekly and switched off when new; later with the schedules and switches that the user has set.

    They are written back as they were, since registering a deployment without schedules deletes the server's.
    """
    from prefect.client.schemas.actions import DeploymentScheduleCreate
    from prefect.client.schemas.schedules import CronSchedule
    from prefect.deployments.runner import EntrypointType, RunnerDeployment

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

    if not free(main):
        return
    unfinished = FlowRunFilter.model_validate({"state": {"type": {"any_": ["RUNNING", "PENDING", "CANCELLING"]}}})
    ours = FlowFilter(name=FlowFilterName(any_=[flow]))
    with get_client(sync_client=True) as client:
        for run in client.read_flow_runs(flow_filter=ours, flow_run_filter=unfinished):
            client.set_flow_run_state(run.id, Crashed(message="its process was killed"), force=True)


def main(arguments: list[str] | None = None) -> int:
    """Serve until Ctrl-C or SIGTERM; exit 2 after one line where the server cannot start."""
    parser = argparse.ArgumentParser(prog="python -m flows.serve", description="Prefect server, UI and deployment.")
    parser.add_argument("--port", type=int, default=4200)
    port = parser.parse_args(arguments).port
    checkout = Path.cwd()
    work = main_checkout(checkout) / WORK
    work.mkdir(exist_ok=True)
    settings.apply(look_for_server=False)
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        with server(work, port) as url:
            deploy_and_serve(checkout, url)
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
