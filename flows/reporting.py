"""What a run tells Prefect's server: it may be gone at any moment, and no call to it may end a stage.

A run that ends without its server leaves its final state under .work, where `make serve` finds it.
"""

import json
import logging
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID

from headshrink.errors import first_line
from tasks.tracking import WORK, main_checkout

if TYPE_CHECKING:
    from prefect.client.schemas.objects import State

ENDED = "ended-runs"  # under .work: final states that the server may not have
# They watch for states that this project does not use, and print tracebacks, also of faults of their own, when the
# server goes away; asyncio is the name under which those of their callbacks appear.
WATCHERS = ("prefect.FlowRunSuspendingObserver", "prefect.FlowRunCancellingObserver", "asyncio")
# These repeat for every event and state that the server is gone.
SENDERS = ("prefect.events.clients", "EventsWorker")
SECONDS_BETWEEN_TRIES = 15.0  # every try may cost the client's retries, and the stage's output waits for it


class Reporting:
    """Whether the server takes reports; said in one line when it stops to and when it does again."""

    _lock = threading.Lock()
    _silent_until = 0.0
    lost = False
    final: "State | None" = None  # in which the run of this process has ended

    @classmethod
    def _failed(cls, error: Exception) -> None:
        with cls._lock:
            if not cls.lost:
                reason = f"{type(error).__name__}: {first_line(error)}"
                _say(f"Prefect's server took no report ({reason}); the run goes on without it")
                for name in SENDERS:
                    logging.getLogger(name).setLevel(logging.CRITICAL)
            cls.lost, cls._silent_until = True, time.monotonic() + SECONDS_BETWEEN_TRIES

    @classmethod
    def _worked(cls) -> None:
        with cls._lock:
            if cls.lost:
                _say("Prefect's server takes reports again")
            cls.lost = False

    @classmethod
    @contextmanager
    def attempt(cls) -> Iterator[None]:
        """A block that reports: no exception leaves it, and the first is said in one line."""
        try:
            yield
        except Exception as error:  # whatever Prefect, httpx or the network raise
            cls._failed(error)
        else:
            cls._worked()

    @classmethod
    def worth_trying(cls) -> bool:
        """False for some seconds after a failure."""
        return time.monotonic() >= cls._silent_until


def silence_watchers() -> None:
    """Keep Prefect's watchers from printing tracebacks: that the server is gone is said by the run itself."""
    logging.raiseExceptions = False  # Prefect's log handler then drops in silence what the server does not take
    for name in WATCHERS:
        logging.getLogger(name).setLevel(logging.CRITICAL)


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def note_of(folder: Path, run: UUID | str) -> Path:
    """The file that holds the final state of a run until the server has it."""
    return main_checkout(folder) / WORK / ENDED / f"{run}.json"


def write_note(folder: Path, run: UUID | str, state: "State") -> None:
    """Keep the final state of a run, in case that the server cannot be told."""
    note = note_of(folder, run)
    note.parent.mkdir(parents=True, exist_ok=True)
    part = note.with_suffix(".part")
    part.write_text(json.dumps({"type": state.type.value, "name": state.name, "message": state.message}))
    part.replace(note)


def settle(folder: Path) -> None:
    """Tell the server the final state of every run that ended without it. Raises what the client raises."""
    from prefect.client.orchestration import get_client
    from prefect.client.schemas.objects import State
    from prefect.exceptions import ObjectNotFound

    notes = sorted((main_checkout(folder) / WORK / ENDED).glob("*.json"))
    with get_client(sync_client=True) as client:
        for note in notes:
            try:
                state = client.read_flow_run(UUID(note.stem)).state
                if state is None or not state.is_final() or state.name == "Crashed":
                    final = State.model_validate(json.loads(note.read_text()))
                    client.set_flow_run_state(UUID(note.stem), final, force=True)
            except ObjectNotFound:
                pass  # a run of another server, which is no more
            note.unlink(missing_ok=True)
