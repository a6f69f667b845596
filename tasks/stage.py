"""How a stage runs: validated parameters, one copy at a time, whole outputs or none, errors in one line."""

import ctypes
import errno
import fcntl
import os
import shutil
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tasks import params
from tasks.machine import machine
from tasks.params import Params, ParamsError

ARTIFACTS = Path("artifacts")
WORK = Path(".work")  # checkpoints and caches that outlive a stage; never DVC's, never in git
PR_SET_PDEATHSIG = 1
SECONDS_FOR_A_DYING_TWIN = 10
USERS_ERRNOS = {errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOENT}


def main(run: Callable[[Params], None], name: str) -> None:
    """Run one stage as a process: exit 0 when done, 2 after one line on the user's mistake.

    Anything but a mistake of the user's (bad parameters or input, a full or unwritable disk) leaves its traceback.
    """
    try:
        die_with_parent()
        parameters = params.load()
        with only_copy(name), machine.stage(name):
            remove_stale(name)
            _run_reporting(run, parameters, name)
    except ParamsError as error:
        fail(str(error))


def _run_reporting(run: Callable[[Params], None], parameters: Params, name: str) -> None:
    from transformers.utils import logging  # brings torch: only once the parameters are known to be good

    from headshrink.errors import HeadshrinkError

    logging.disable_progress_bar()  # bars for files that take a moment

    try:
        run(parameters)
    except HeadshrinkError as error:
        fail(f"{name}: {error}")
    except OSError as error:
        if error.errno not in USERS_ERRNOS:
            raise
        fail(f"{name}: {error.strerror}: {error.filename or ARTIFACTS}; a writable disk with room is needed")


def fail(line: str) -> None:
    print(f"error: {line}", file=sys.stderr)
    sys.exit(2)


def die_with_parent() -> None:
    """Ask the kernel to kill this process when its parent dies.

    Killing dvc leaves its stage running, and the next `dvc repro` would start a second copy beside it. Linux only;
    elsewhere the lock of `only_copy` still keeps two copies apart.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if adopted():  # the parent died before the call
            os._exit(1)


def adopted() -> bool:
    """Whether the parent is the process that takes in orphans, which is of another session."""
    session = os.getsid(0)
    return session not in (os.getpid(), os.getsid(os.getppid()))


@contextmanager
def only_copy(name: str) -> Iterator[None]:
    """Hold the stage's lock; a copy that was just killed gets a moment to die before this one gives up."""
    WORK.mkdir(exist_ok=True)
    with open(WORK / f"{name}.lock", "w") as lock:
        deadline = time.monotonic() + SECONDS_FOR_A_DYING_TWIN
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    fail(f"{name}: another copy of this stage is running in {Path.cwd()}; wait for it or stop it")
                time.sleep(0.2)
        yield


def temporary(folder: Path) -> Path:
    return folder.parent / f".{folder.name}.tmp-{os.getpid()}"


def remove_stale(name: str) -> None:
    """Remove what killed runs of a stage left half-written; its lock is held, so no run owns them."""
    for marker in WORK.glob(f"{name}.tmp-*"):
        shutil.rmtree(marker.read_text(encoding="utf-8"), ignore_errors=True)
        marker.unlink()


@contextmanager
def output(folder: Path, stage: str) -> Iterator[Path]:
    """A folder to write a stage's output into; it becomes `folder` when the block ends well, and goes when it fails.

    It is a sibling of `folder`, so that the rename is atomic: a reader sees all of the output or none.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    unfinished = temporary(folder)
    marker = WORK / f"{stage}.tmp-{folder.name}-{os.getpid()}"
    marker.write_text(str(unfinished), encoding="utf-8")
    unfinished.mkdir()
    try:
        yield unfinished
        shutil.rmtree(folder, ignore_errors=True)
        unfinished.rename(folder)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
        marker.unlink(missing_ok=True)
