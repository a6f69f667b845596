"""What a program says of an error: one line for a mistake or an error of the system, a traceback for our bugs."""

import os
import re
import select
import signal
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from headshrink.escape import visible
from headshrink.redact import redacted

CHARACTERS = 300  # of a system's own message
SHORT = 200  # of a library's message inside of a line of ours
RUST_OS_ERROR = re.compile(r"\(os error (\d+)\)")  # how safetensors and tokenizers, which are Rust, give the number
EXTRA = re.compile(r"(?P<package>[\w.-]+)[^;]*;.*extra == ['\"](?P<extra>\w+)['\"].*")  # a line of the metadata
DAMAGED_FILES = {  # of libraries that read and write files, by module and name: importing them takes seconds
    ("safetensors_rust", "SafetensorError"), ("pyarrow.lib", "ArrowException"), ("zipfile", "BadZipFile"),
    ("zipfile", "LargeZipFile"), ("zlib", "error"), ("lzma", "LZMAError"), ("_lzma", "LZMAError"),
}  # fmt: skip
MISTAKE, INTERRUPTED, SIGNALLED = 2, 130, 128  # exit statuses; the last one plus the signal's number


class HeadshrinkError(Exception):
    """A mistake in the input, not a bug of ours.

    The message is one line in the form "what, where, what is allowed". Stages and the command line print it without a
    traceback and exit with status 2; everything else that escapes is our bug and shows its traceback. As text it holds
    no secret and no control character, wherever it is printed, logged or stored.
    """

    def __str__(self) -> str:
        return visible(redacted(" ".join(super().__str__().splitlines())))


def system_error(error: BaseException) -> OSError | None:
    """The error as the operating system's, None where it is none.

    Libraries for files have exceptions of their own beside OSError, with or without the system's number.
    """
    if isinstance(error, OSError):
        return error
    found = RUST_OS_ERROR.search(str(error))
    if found:
        return OSError(int(found[1]), os.strerror(int(found[1])))
    if any((kind.__module__, kind.__name__) in DAMAGED_FILES for kind in type(error).__mro__):
        return OSError(str(error))
    return None


def first_line(error: object) -> str:
    """The first line of a library's own message, cut to a length that a line of ours can hold; empty without one."""
    return (str(error).splitlines() or [""])[0][:SHORT]


def joined(error: object) -> str:
    """A library's own message with its lines joined, cut to a length that a line of ours can hold."""
    return " ".join(str(error).split())[:SHORT]


def reason(error: OSError) -> str:
    """What the system says, in one line, without the path."""
    text = error.strerror if isinstance(error.strerror, str) else str(error)
    return (" ".join(text.split()) or type(error).__name__)[:CHARACTERS]


def one_line(error: BaseException) -> str | None:
    """What to tell the user of an error that is not our bug; None for one that is."""
    if isinstance(error, HeadshrinkError):
        return str(error)
    if isinstance(error, ModuleNotFoundError) and (extra := extra_with(error.name or "")):
        return f"the package {error.name} is not installed: pip install 'headshrink[{extra}]'"
    found = system_error(error)
    if found is None:
        return None
    path = os.fsdecode(found.filename) if isinstance(found.filename, str | bytes) else found.filename
    return visible(redacted(reason(found) if path is None else f"{path}: {reason(found)}"))


def extra_with(module: str) -> str | None:
    """The smallest extra of headshrink that brings a module, None where none does: then its absence is our bug."""
    from importlib.metadata import PackageNotFoundError, requires

    package = module.split(".")[0]
    try:
        needed = requires("headshrink") or []
    except PackageNotFoundError:  # a checkout that is not installed
        return None
    lines = [match for line in needed if (match := EXTRA.fullmatch(line))]
    packages = Counter(match["extra"] for match in lines)
    extras = {match["extra"] for match in lines if match["package"] == package}
    return min(sorted(extras), key=packages.__getitem__, default=None)


@contextmanager
def ends_in_one_line(prefix: str = "") -> Iterator[None]:
    """Run a program: its end is one line and a status for everything but our bugs.

    2 after a mistake or a system's error, 130 after Ctrl-C, 141 without a word where the reader of standard output
    has gone. SIGTERM and SIGHUP unwind the program, so that it removes what is unfinished.
    """
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is signal.SIG_DFL:  # nohup ignores SIGHUP
            signal.signal(number, _exit)
    try:
        yield
        sys.stdout.flush()
    except KeyboardInterrupt:
        print(f"error: {prefix}interrupted", file=sys.stderr)
        sys.exit(INTERRUPTED)
    except Exception as error:
        if isinstance(error, BrokenPipeError) and _nobody_reads():
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # Python flushes once more at its end
            sys.exit(SIGNALLED + signal.SIGPIPE)
        line = one_line(error)
        if line is None:
            raise
        print(f"error: {prefix}{line}", file=sys.stderr)
        sys.exit(MISTAKE)


def _exit(number: int, frame: FrameType | None) -> None:
    sys.exit(SIGNALLED + number)


def _nobody_reads() -> bool:
    """Whether standard output is a pipe without a reader."""
    output = select.poll()
    output.register(1, select.POLLOUT)
    return any(event & select.POLLERR for _, event in output.poll(0))
