"""Output files and folders: checked before the work, written beside their place, renamed when complete.

A reader sees the complete output or none, and two concurrent runs never mix: each writes its own, the last rename wins.
An unfinished output lies in a hidden folder beside its place, whose owner holds a lock in it as long as it lives. The
next call for the same output removes the folders whose lock is free: their owners were killed.
"""

import errno
import fcntl
import glob
import hashlib
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from headshrink.errors import HeadshrinkError, reason, system_error

LOCK = "lock"
UNSUPPORTED = {errno.EOPNOTSUPP, errno.EINVAL, errno.ENOSYS}  # of reserving space, by file systems without it
LONGEST_LABEL = 200  # bytes of a name that leave room for the rest of the temporary folder's
STREAMS = ("/dev/stdout", "/dev/stderr", "/dev/fd/", "/proc/self/fd/")  # what is behind them is never replaced


def check_file(path: Path | None) -> None:
    """Raise HeadshrinkError where a file cannot be written to a path; None is no output and passes.

    Missing parent folders are allowed: `new_file` makes them.
    """
    if path is None:
        return
    with _named(path):
        if path.is_dir():
            raise HeadshrinkError(f"{path} is a folder: give the path of a file")
        if not _is_stream(path):
            _check_place(path.resolve())


def check_folder(path: Path) -> None:
    """Raise HeadshrinkError where a folder cannot be written to a path; a folder that is there would be replaced."""
    with _named(path):
        if os.path.lexists(path) and not path.is_dir():
            raise HeadshrinkError(f"{path} is a file: give the path of a folder")
        _check_place(path)


def check_absent_folder(path: Path, option: str) -> None:
    """Raise HeadshrinkError where the folder that a command's option names exists, or cannot be written."""
    with _named(path):
        if os.path.lexists(path):
            raise HeadshrinkError(f"{path} exists: give {option} a folder that does not")
    check_folder(path)


@contextmanager
def new_file(path: Path) -> Iterator[Path]:
    """A temporary path to write a file to; the file becomes `path` when the block ends well, and goes when it fails.

    It has the suffix of `path`. Links are followed; to a device or pipe the complete file is copied. Raises
    HeadshrinkError where it cannot be written.
    """
    check_file(path)
    place = _scratch_for_stream() if _is_stream(path) else scratch_folder(path.resolve())
    with place as folder, _named(path, folder):
        temporary = folder / (path.name if len(os.fsencode(path.name)) <= LONGEST_LABEL else f"file{path.suffix}")
        yield temporary
        if _is_stream(path):
            _copy(temporary, path)
        else:
            temporary.replace(path.resolve())


@contextmanager
def new_folder(path: Path) -> Iterator[Path]:
    """A temporary folder to write into; it replaces `path` when the block ends well, and goes when it fails.

    Raises HeadshrinkError where it cannot be written.
    """
    check_folder(path)
    with scratch_folder(path) as folder, _named(path, folder):
        temporary = folder / "new"
        temporary.mkdir()
        yield temporary
        _exchange(temporary, path, folder / "old")


@contextmanager
def scratch_folder(path: Path) -> Iterator[Path]:
    """A folder beside `path` for this process alone, removed when the block ends; missing parents are made.

    Those that killed processes left for the same `path` are removed first.
    """
    with _named(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        remove_stale(path)
        folder, lock = _owned_folder(path)
    try:
        with lock:
            yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def write_text(path: Path, text: str) -> None:
    """Write a UTF-8 file, all of it or nothing."""
    with new_file(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def remove_stale(path: Path) -> None:
    """Remove the temporary folders of an output whose owners are dead."""
    for folder in path.parent.glob(f"{glob.escape(_prefix(path))}*"):
        try:
            with open(folder / LOCK, "rb+") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(folder, ignore_errors=True)
        except FileNotFoundError:
            with suppress(OSError):
                folder.rmdir()  # killed before it held a lock; an owner that is about to take one makes another folder
        except OSError:  # its owner lives, or it is another user's
            continue


@contextmanager
def exclusive(path: Path, message: str) -> Iterator[None]:
    """Hold the lock file `path`; HeadshrinkError with the message where another process holds it."""
    with _named(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = open(path, "ab")  # noqa: SIM115
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise HeadshrinkError(message) from None
        try:
            yield
        finally:
            path.unlink(missing_ok=True)


def reserve(file: IO[bytes], size: int) -> None:
    """Reserve disk space for the first `size` bytes of an open file; OSError where there is not so much.

    File systems that cannot reserve are left alone: a write to them fails when it comes.
    """
    try:
        os.posix_fallocate(file.fileno(), 0, size)
    except (AttributeError, OSError) as error:  # AttributeError: macOS has no such call
        if isinstance(error, OSError) and error.errno not in UNSUPPORTED:
            raise


def _prefix(path: Path) -> str:
    """What the names of an output's temporary folders begin with."""
    name = path.name
    if len(os.fsencode(name)) > LONGEST_LABEL:
        name = hashlib.sha256(os.fsencode(name)).hexdigest()[:16]
    return f".{name}.unfinished-"


def _owned_folder(path: Path) -> tuple[Path, IO[bytes]]:
    """A new temporary folder for an output, and its held lock.

    `remove_stale` of another process may take the folder away before it is locked: then the next one is tried.
    """
    while True:
        folder = Path(tempfile.mkdtemp(prefix=_prefix(path), dir=path.parent))
        with suppress(FileNotFoundError):
            lock = open(folder / LOCK, "wb")  # noqa: SIM115
            with suppress(OSError):  # no locks on this file system, or the folder is being removed
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if (folder / LOCK).exists():
                return folder, lock
            lock.close()


def _check_place(path: Path) -> None:
    """Raise OSError where nothing can be made at a path whose missing parents would be made."""
    path.exists()  # a name that is too long raises
    if path.parent.is_dir():
        remove_stale(path)
    parent = next(folder for folder in path.absolute().parents if os.path.lexists(folder))
    if not parent.is_dir():
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(parent))
    Path(tempfile.mkdtemp(prefix=f"{_prefix(path)}probe-", dir=parent)).rmdir()


def _exchange(new: Path, path: Path, old: Path) -> None:
    """Rename `new` to `path`; what was there goes to `old`. Another process may put its own there in between."""
    while True:
        with suppress(FileNotFoundError):
            path.rename(old)
        try:
            new.rename(path)
            return
        except OSError as error:
            if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                raise
            shutil.rmtree(old)


def _is_stream(path: Path) -> bool:
    """Whether a path is a device, a pipe or an open file of the process: written to, never replaced."""
    if str(path).startswith(STREAMS):
        return True
    return path.exists() and not stat.S_ISREG(path.stat().st_mode) and not path.is_dir()


@contextmanager
def _scratch_for_stream() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="headshrink-") as folder:
        yield Path(folder)


def _copy(source: Path, stream: Path) -> None:
    with source.open("rb") as file, open(os.open(stream, os.O_WRONLY | os.O_APPEND), "wb", buffering=0) as target:
        shutil.copyfileobj(file, target)


@contextmanager
def _named(path: Path, temporary: Path | None = None) -> Iterator[None]:
    """Turn a system's error in the block into one line with the path of the output.

    Errors about other files, as of an input that is read meanwhile, and of connections pass as they are.
    """
    try:
        yield
    except Exception as error:
        found = system_error(error)
        if found is None or isinstance(error, ConnectionError | TimeoutError):
            raise
        about = found.filename and Path(os.fsdecode(found.filename))
        if about and temporary and temporary not in about.absolute().parents and temporary not in about.parents:
            raise
        raise HeadshrinkError(f"cannot write {path} ({reason(found)}): a writable place with room is needed") from error
