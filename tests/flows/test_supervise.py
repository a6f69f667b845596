"""A command under a supervisor dies with whoever started it, whole group and all."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from served import alive, until

from flows.supervise import Supervised

# A child that has a child of its own and ignores polite requests, as a training with data workers may.
STUBBORN = """
import os, signal, subprocess, sys, time
signal.signal(signal.SIGINT, signal.SIG_IGN)
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
print(os.getpid(), child.pid, flush=True)
time.sleep(60)
"""


@pytest.fixture(autouse=True)
def no_run_was_cancelled() -> None:
    Supervised.begin()


def test_lines_and_status_come_through(tmp_path: Path) -> None:
    code = "import sys; print('out'); print('err', file=sys.stderr); sys.exit(3)"
    child = Supervised([sys.executable, "-u", "-c", code], tmp_path, dict(os.environ))
    assert list(child) == ["out", "err"]
    assert child.status == 3


def test_stopping_ends_the_whole_group_within_ten_seconds(tmp_path: Path) -> None:
    child = Supervised([sys.executable, "-c", STUBBORN], tmp_path, dict(os.environ))
    pids = [int(word) for word in next(iter(child)).split()]
    assert all(map(alive, pids))
    started = time.monotonic()
    child.stop()
    assert child.status == 128 + signal.SIGKILL
    assert time.monotonic() - started < 10
    assert not any(map(alive, pids))


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_the_group_dies_with_who_started_it(tmp_path: Path, number: int) -> None:
    starter = (
        "import os, sys; from pathlib import Path; from flows.supervise import Supervised\n"
        f"child = Supervised([sys.executable, '-c', {STUBBORN!r}], Path('.'), dict(os.environ))\n"
        "for line in child: print(line, flush=True)"
    )
    root = Path(__file__).resolve().parents[2]
    process = subprocess.Popen([sys.executable, "-c", starter], cwd=root, stdout=subprocess.PIPE, text=True)
    assert process.stdout
    pids = [int(word) for word in process.stdout.readline().split()]
    process.send_signal(number)
    process.wait()
    until(lambda: not any(map(alive, pids)), 10, "the group dies")


def test_what_a_command_leaves_behind_goes_too(tmp_path: Path) -> None:
    code = "import subprocess, sys; print(subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)']).pid)"
    child = Supervised([sys.executable, "-c", code], tmp_path, dict(os.environ))
    [pid] = [int(line) for line in child]
    assert child.status == 0
    until(lambda: not alive(pid), 5, "the orphan dies")


def test_no_supervisor_is_left(tmp_path: Path) -> None:
    before = {process.pid for process in psutil.Process().children()}
    child = Supervised([sys.executable, "-c", "pass"], tmp_path, dict(os.environ))
    list(child)
    assert child.status == 0
    assert {process.pid for process in psutil.Process().children()} <= before
