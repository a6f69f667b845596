"""The checkout a run works in: git on it, and one run at a time."""

import fcntl
import os
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from headshrink.errors import HeadshrinkError
from tasks.tracking import WORK

SECONDS_BETWEEN_TRIES = 1.0


class FlowError(HeadshrinkError):
    """A run that cannot start or go on; one line for the user."""


class RunCancelled(Exception):
    """The user has cancelled the run."""


def git(folder: Path, *arguments: str) -> str:
    """Output of a git command in `folder`, without the last newline; FlowError with git's last line where it fails.

    Hooks are off: a post-checkout hook of `dvc install` would check data out into a worktree before it has a cache.
    """
    command = ["git", "-c", "core.hooksPath=/dev/null", "--no-optional-locks", *arguments]
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    except FileNotFoundError as error:
        raise FlowError("git is not installed; a run with other parameters needs it") from error
    if done.returncode:
        reason = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise FlowError(f"git {arguments[0]} failed in {folder}: {reason}")
    return done.stdout.rstrip("\n")


@contextmanager
def only_run(main: Path, say: Callable[[str], None], cancelled: Callable[[], bool] = lambda: False) -> Iterator[None]:
    """Hold the checkout's lock; where another run holds it, say so in one line and wait.

    Raises RunCancelled where `cancelled` says so while it waits. The lock is the kernel's, so a killed run never leaves
    it behind.
    """
    (main / WORK).mkdir(exist_ok=True)
    with open(main / WORK / "flow.lock", "a+", encoding="utf-8") as lock:
        waiting = False
        while not _taken(lock.fileno()):
            if not waiting:
                lock.seek(0)
                say(f"another run of {main} is going on (process {lock.read().strip() or '?'}); waiting for it to end")
                waiting = True
            if cancelled():
                raise RunCancelled
            time.sleep(SECONDS_BETWEEN_TRIES)
        lock.seek(0)
        lock.truncate()
        lock.write(f"{os.getpid()}\n")
        lock.flush()
        yield


def holder(main: Path) -> str | None:
    """The process that holds the checkout's lock at this moment, `?` where it has not said so yet; or None."""
    (main / WORK).mkdir(exist_ok=True)
    with open(main / WORK / "flow.lock", "a+", encoding="utf-8") as lock:
        if _taken(lock.fileno()):
            return None
        lock.seek(0)
        return lock.read().strip() or "?"


def _taken(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
