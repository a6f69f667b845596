"""The runs that the deployment is asked for, one at a time: start, wait, end.

Prefect's own runner ends with tracebacks when its server dies, writes a line per poll for each waiting run, and marks
a cancelled run only after it has killed it. This loop asks the same questions of the server and survives its absence.
"""

import os
import sys
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID

from flows import settings
from flows.checkout import holder
from flows.reporting import note_of, settle
from flows.supervise import Supervised

if TYPE_CHECKING:
    from prefect.client.orchestration import SyncPrefectClient
    from prefect.client.schemas.responses import FlowRunResponse

WAITING = "Waiting"
RUNS_PER_POLL = 100


class Running:
    """A run's process; its lines go to this process's output."""

    def __init__(self, run: UUID, main: Path) -> None:
        self.run = run
        command = [sys.executable, "-m", "flows.pipeline", "--flow-run", str(run)]
        self.child = Supervised(command, main, dict(os.environ))
        self.ended = threading.Event()
        threading.Thread(target=self._follow, daemon=True).start()

    def _follow(self) -> None:
        for line in self.child:
            print(line, flush=True)
        self.status = self.child.status
        self.ended.set()


class RunQueue:
    """What a `make serve` does at each tick; a call of `tick` may raise whatever the client raises."""

    def __init__(self, main: Path, deployment: UUID) -> None:
        self.main, self.deployment = main, deployment
        self.running: Running | None = None
        self._said: dict[UUID, str] = {}  # run: why it was last said to wait

    def tick(self, client: "SyncPrefectClient") -> None:
        """Record a run that has ended, start the next one, tell the others why they wait."""
        if self.running and self.running.ended.is_set():
            self._record(client, self.running)
            self.running = None
        waiting = client.get_scheduled_flow_runs_for_deployments(
            [self.deployment], scheduled_before=datetime.now(UTC), limit=RUNS_PER_POLL
        )
        if waiting and not self.running and (other := holder(self.main)) is None:
            self._start(client, waiting.pop(0).id)
        elif waiting and not self.running:
            return self._tell(client, waiting, f"another run of this checkout is going on (process {other})")
        if waiting and self.running:
            name = client.read_flow_run(self.running.run).name
            self._tell(client, waiting, f"run {name} of this checkout is going on")

    def _start(self, client: "SyncPrefectClient", run: UUID) -> None:
        """Take a run from the queue, unless it was cancelled meanwhile, and start its process."""
        from prefect.client.schemas.responses import SetStateStatus
        from prefect.states import Pending

        if client.set_flow_run_state(run, Pending()).status == SetStateStatus.ACCEPT:
            self.running = Running(run, self.main)

    def _tell(self, client: "SyncPrefectClient", waiting: "list[FlowRunResponse]", reason: str) -> None:
        """Give waiting runs a state that says why; its name keeps Prefect from calling them late."""
        from prefect.client.schemas.objects import State
        from prefect.states import Scheduled

        for run in waiting:
            if self._said.get(run.id) != reason:
                due = run.state.state_details.scheduled_time if run.state else None
                state: State[None] = Scheduled(scheduled_time=due, name=WAITING, message=f"waiting: {reason}")
                client.set_flow_run_state(run.id, state, force=True)
                self._said[run.id] = reason

    def _record(self, client: "SyncPrefectClient", ended: Running) -> None:
        """See that the server has a final state of the run: its own, or that its process died."""
        from prefect.states import Cancelled, Crashed, Scheduled

        if note_of(self.main, ended.run).exists():
            return settle(self.main)
        state = client.read_flow_run(ended.run).state
        if state is None or state.is_final():
            return
        if ended.status == settings.NO_SERVER:
            client.set_flow_run_state(ended.run, Scheduled(message="the server was gone; starts again"), force=True)
        elif state.is_cancelling():
            client.set_flow_run_state(ended.run, Cancelled(message="cancelled"), force=True)
        else:
            message = f"its process ended with status {ended.status}"
            client.set_flow_run_state(ended.run, Crashed(message=message), force=True)

    def end(self, seconds: float, tell: Callable[[str], None]) -> None:
        """Cancel what is running and wait for it for some seconds."""
        if self.running and not self.running.ended.is_set():
            tell("the run that is going on is cancelled")
            self.running.child.stop()
            self.running.ended.wait(seconds)
