"""Timings have the machine alone: stages of all checkouts share a lock, and a timing holds it exclusively.

A benchmark beside another stage measured a third of the teacher's throughput. The lock is the kernel's, so a killed
stage never leaves it behind. It is of one user: processes of others and other programs still disturb a timing.
"""

import fcntl
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import IO

TIMING = "timings of "  # how the note of a stage begins while it holds the lock exclusively


def runtime_folder() -> Path:
    """The user's folder for locks: the same for every checkout and session of this machine."""
    users = Path(f"/run/user/{os.getuid()}")
    given = os.environ.get("XDG_RUNTIME_DIR") or (users if os.access(users, os.W_OK) else None)
    return Path(given) / "headshrink" if given else Path(tempfile.gettempdir()) / f"headshrink-{os.getuid()}"


class Machine:
    """What this process holds of the machine; `stage` comes first, and `timing` inside of it.

    Two locks: `gate` is held for the moment of taking `use`, or while a timing waits for `use`. So stages that start
    later wait behind a timing that waits, and do not postpone it forever.
    """

    def __init__(self) -> None:
        self._use: IO[str] | None = None
        self._note: IO[str] | None = None

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Use the machine beside other stages; waits, and says so in one line, while a timing has it or waits for it.

        Where the lock's folder cannot be used, the stage runs without the lock after a warning.
        """
        try:
            self._open()
        except OSError as error:
            print(f"warning: timings are not kept apart from other stages: {error}", file=sys.stderr, flush=True)
        with ExitStack() as stack:
            stack.callback(self._close)
            if self._use:
                self._take(fcntl.LOCK_SH, name)
                self._write(name)
            yield

    @contextmanager
    def timing(self, name: str) -> Iterator[None]:
        """Have the machine alone; waits, and says so in one line, until all other stages have ended.

        The stage gives its share back first: two stages that wait for their timings would wait for each other.
        """
        if self._use is None:  # outside of `stage`: a test or a notebook calls the task's function
            yield
            return
        fcntl.flock(self._use, fcntl.LOCK_UN)
        self._take(fcntl.LOCK_EX, name)
        self._write(f"{TIMING}{name}")
        try:
            yield
        finally:
            self._write(name)
            fcntl.flock(self._use, fcntl.LOCK_SH)

    def _open(self) -> None:
        folder = runtime_folder()
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        note = open(folder / f"{os.getpid()}-{id(self)}.stage", "w", encoding="utf-8")  # noqa: SIM115
        fcntl.flock(note, fcntl.LOCK_EX)
        self._use, self._note = open(folder / "use.lock", "a", encoding="utf-8"), note  # noqa: SIM115

    def _close(self) -> None:
        if self._use and self._note:
            Path(self._note.name).unlink(missing_ok=True)
            self._note.close()
            self._use.close()
        self._use = self._note = None

    def _take(self, kind: int, name: str) -> None:
        assert self._use
        said = False
        with open(Path(self._use.name).with_name("gate.lock"), "a", encoding="utf-8") as gate:
            for lock, wanted in ((gate, fcntl.LOCK_EX), (self._use, kind)):
                try:
                    fcntl.flock(lock, wanted | fcntl.LOCK_NB)
                except BlockingIOError:
                    if not said:
                        self._say_what_for(kind, name)
                    said = True
                    fcntl.flock(lock, wanted)

    def _say_what_for(self, kind: int, name: str) -> None:
        others = self._others()
        if kind == fcntl.LOCK_SH:
            others = [other for other in others if other.startswith(TIMING)] or others
        reason = "its timings need the machine alone" if kind == fcntl.LOCK_EX else "timings must not be disturbed"
        print(f"{name}: waiting for {', '.join(others) or 'another stage'}; {reason}", flush=True)

    def _write(self, what: str) -> None:
        assert self._note
        with suppress(OSError):  # a full disk costs the text of a line, not the stage
            os.ftruncate(self._note.fileno(), 0)
            os.pwrite(self._note.fileno(), f"{what} in {Path.cwd()} (process {os.getpid()})".encode(), 0)

    def _others(self) -> list[str]:
        """What the other stages' notes say; a note that nobody holds is of a killed stage and is removed."""
        found = []
        assert self._note
        for path in sorted(runtime_folder().glob("*.stage")):
            if path == Path(self._note.name):
                continue
            try:
                with open(path, encoding="utf-8") as note:
                    fcntl.flock(note, fcntl.LOCK_SH | fcntl.LOCK_NB)
                    path.unlink(missing_ok=True)
            except BlockingIOError:
                found.append(path.read_text(encoding="utf-8"))
            except OSError:
                continue
        return [text for text in found if text]


machine = Machine()  # this process's
