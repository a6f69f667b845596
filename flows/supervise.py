"""Run a command so that it never outlives who started it, however that one dies.

Prefect cancels a run by ending the flow's process, and leaves that process's children alone; DVC in turn leaves its
stage running when it is killed. So the command gets a process group of its own and, beside it, this small supervisor,
whose standard input is a pipe held open by the flow. End of file there means that the flow wants the command ended or
is itself gone, even by SIGKILL: the group gets SIGINT, and after a grace SIGKILL.

Run as a file (`python supervise.py COMMAND...`) it imports the standard library alone and starts in 20 ms.
"""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import ClassVar

GRACE_SECONDS = 3.0  # for a stage to let go of its files; well inside the ten seconds that a cancellation may take


def supervise(command: Sequence[str]) -> int:
    """Run `command` in a process group of its own until it ends or standard input does; its exit status."""
    child = subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True)

    def end(*_: object) -> None:
        threading.Thread(target=end_group, args=(child.pid,), daemon=True).start()

    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, end)
    threading.Thread(target=_end_at_eof, args=(child.pid,), daemon=True).start()
    status = child.wait()
    end_group(child.pid, grace_seconds=0)  # whatever it started and did not wait for
    return status if status >= 0 else 128 - status


def _end_at_eof(group: int) -> None:
    while os.read(sys.stdin.fileno(), 1024):
        pass
    end_group(group)


def end_group(group: int, grace_seconds: float = GRACE_SECONDS) -> None:
    """Interrupt a process group, and kill what is left of it after the grace."""
    try:
        if grace_seconds:
            os.killpg(group, signal.SIGINT)
        deadline = time.monotonic() + grace_seconds
        while time.monotonic() < deadline:
            os.killpg(group, 0)
            time.sleep(0.05)
        os.killpg(group, signal.SIGKILL)
    except ProcessLookupError:
        pass


class Supervised:
    """A command under a supervisor: iterate over its output lines, then ask for `status`.

    `stop` may be called from any thread; `stop_all` ends every command of this process, for cancellations.
    """

    _running: ClassVar["set[Supervised]"] = set()
    _stopping = False

    def __init__(self, command: Sequence[str], folder: Path, environment: dict[str, str]) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-S", __file__, *command],
            cwd=folder,
            env=environment,
            text=True,
            errors="replace",
            start_new_session=True,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        Supervised._running.add(self)
        if Supervised._stopping:
            self.stop()

    def __iter__(self) -> Iterator[str]:
        for line in self._process.stdout or ():
            yield line.rstrip()

    @property
    def status(self) -> int:
        """Exit status, once the command has ended."""
        status = self._process.wait()
        self.stop()
        Supervised._running.discard(self)
        return status

    def stop(self) -> None:
        """Ask the supervisor to end the command's whole group."""
        if self._process.stdin:
            self._process.stdin.close()

    @classmethod
    def stop_all(cls) -> None:
        """End every command now and any that another thread is about to start."""
        cls._stopping = True
        for child in list(cls._running):
            child.stop()

    @classmethod
    def stopping(cls) -> bool:
        """Whether `stop_all` was called since the last `begin`."""
        return cls._stopping

    @classmethod
    def begin(cls) -> None:
        """Allow commands again: a new run in the same process."""
        cls._stopping = False


if __name__ == "__main__":
    sys.exit(supervise(sys.argv[1:]))
