"""Outputs are complete or absent, whatever ends the writer, and a place that cannot be written is one line."""

import errno
import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from headshrink.checkpoint import Checkpoints
from headshrink.errors import HeadshrinkError
from headshrink.output import check_absent_folder, check_file, check_folder, exclusive, new_file, new_folder, write_text

WRITER = """
import os, sys, time
from pathlib import Path
sys.modules["headshrink.model"] = type(sys)("headshrink.model")  # nothing of it is needed, and it takes seconds
sys.modules["headshrink.model"].__dict__.update(SentenceEncoder=0, load_encoder=0, save_encoder=0)
from headshrink.errors import ends_in_one_line
from headshrink.output import new_file, new_folder
with ends_in_one_line(), {call} as place:
    {body}
"""
HANGS = "place.write_text('half'); print('started', flush=True); time.sleep(600)"


def start(call: str, body: str, cwd: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", WRITER.format(call=call, body=body)]
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).resolve().parents[2])}
    return subprocess.Popen(
        command, cwd=cwd, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def started(call: str, body: str, cwd: Path) -> subprocess.Popen[str]:
    process = start(call, body, cwd)
    assert process.stdout is not None
    assert process.stdout.readline() == "started\n"
    return process


def test_a_file_appears_when_it_is_complete(tmp_path):
    write_text(tmp_path / "made" / "out.txt", "old")
    with new_file(tmp_path / "made" / "out.txt") as temporary:
        temporary.write_text("new")
        assert temporary.suffix == ".txt"
        assert (tmp_path / "made" / "out.txt").read_text() == "old"
    assert (tmp_path / "made" / "out.txt").read_text() == "new"
    assert [path.name for path in (tmp_path / "made").iterdir()] == ["out.txt"]


def test_a_failure_keeps_the_old_output_and_leaves_nothing(tmp_path):
    write_text(tmp_path / "out", "old")
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "a").write_text("old")
    for manager in (new_file(tmp_path / "out"), new_folder(tmp_path / "folder")):
        with pytest.raises(RuntimeError, match="bug"), manager:
            raise RuntimeError("bug")
    assert (tmp_path / "out").read_text() == (tmp_path / "folder" / "a").read_text() == "old"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["folder", "out"]


def test_a_folder_replaces_the_whole_old_one(tmp_path):
    for name in ("a", "b"):
        with new_folder(tmp_path / "out") as folder:
            (folder / name).touch()
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["b"]
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_a_link_is_followed_and_a_device_stays_a_device(tmp_path):
    (tmp_path / "link").symlink_to(tmp_path / "file")
    write_text(tmp_path / "link", "text")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "file").read_text() == "text"
    write_text(Path("/dev/null"), "text")
    assert Path("/dev/null").is_char_device()
    os.mkfifo(tmp_path / "pipe")
    reader = subprocess.Popen(["cat", tmp_path / "pipe"], stdout=subprocess.PIPE)
    write_text(tmp_path / "pipe", "text")
    assert reader.communicate()[0] == b"text"


def test_names_as_long_as_the_file_system_takes(tmp_path):
    write_text(tmp_path / ("n" * 255), "text")
    with pytest.raises(HeadshrinkError, match="File name too long"):
        check_file(tmp_path / ("n" * 256))


@pytest.mark.parametrize("place", ["file/out", "file/more/out", "/proc/nowhere/out"])
@pytest.mark.parametrize("check", [check_file, check_folder, lambda path: check_absent_folder(path, "--out")])
def test_a_place_that_cannot_be_written_is_one_line(tmp_path, place, check):
    (tmp_path / "file").touch()
    with pytest.raises(HeadshrinkError, match=r"cannot write .*out ") as caught:
        check(tmp_path / place)
    assert "\n" not in str(caught.value)


def test_a_folder_where_a_file_belongs_and_the_reverse(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(HeadshrinkError, match="is a folder: give the path of a file"):
        check_file(tmp_path)
    with pytest.raises(HeadshrinkError, match="is a file: give the path of a folder"):
        check_folder(tmp_path / "file")
    with pytest.raises(HeadshrinkError, match="exists: give --out a folder that does not"):
        check_absent_folder(tmp_path, "--out")


def test_checks_leave_nothing(tmp_path):
    check_file(tmp_path / "no" / "such" / "out")
    check_folder(tmp_path / "no" / "such" / "folder")
    assert not list(tmp_path.iterdir())


def test_a_killed_writer_leaves_no_output_and_the_next_call_clears_up(tmp_path):
    process = started("new_file(Path('out'))", HANGS, tmp_path)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert [path.name.startswith(".out.unfinished-") for path in tmp_path.iterdir()] == [True]
    check_file(tmp_path / "out")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_signalled_writer_clears_up_itself(tmp_path, number):
    process = started("new_file(Path('out'))", HANGS, tmp_path)
    process.send_signal(number)
    _, errors = process.communicate()
    assert process.returncode == 128 + number
    assert errors == ("error: interrupted\n" if number == signal.SIGINT else "")
    assert not list(tmp_path.iterdir())


def test_what_a_living_writer_holds_is_left_alone_and_the_last_rename_wins(tmp_path):
    waits = "while not Path('go').exists(): time.sleep(0.01)"
    body = f"(place / 'slow').touch(); print('started', flush=True)\n    {waits}"
    slow = started("new_folder(Path('out'))", body, tmp_path)
    with new_folder(tmp_path / "out") as folder:
        (folder / "fast").touch()
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["fast"]
    (tmp_path / "go").touch()
    assert slow.communicate() == ("", "")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["slow"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["go", "out"]


def test_a_full_disk_is_one_line_that_names_the_output(tmp_path):
    body = "place.write_text('x' * 100_000)"
    limit = f"__import__('resource').setrlimit({resource.RLIMIT_FSIZE}, (4096, -1)) or new_file(Path('out'))"
    _, errors = start(limit, body, tmp_path).communicate()
    assert errors == "error: cannot write out (File too large): a writable place with room is needed\n"
    assert not list(tmp_path.iterdir())


def test_a_checkpoint_on_a_full_disk_is_one_line_and_the_old_one_stays(tmp_path):
    checkpoints = Checkpoints(tmp_path)
    checkpoints.save({"step": 1})
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, before[1]))
    try:
        with pytest.raises(HeadshrinkError, match=r"cannot write .*checkpoint"):
            checkpoints.save({"weights": torch.ones(100_000)})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert checkpoints.load() == {"step": 1}
    assert [path.name for path in tmp_path.iterdir()] == ["checkpoint.pt"]


def test_an_input_that_fails_is_not_called_the_output(tmp_path):
    with pytest.raises(FileNotFoundError) as caught, new_file(tmp_path / "out"):
        (tmp_path / "input").read_text()
    assert caught.value.errno == errno.ENOENT


def test_a_lock_is_held_by_one(tmp_path):
    with (
        exclusive(tmp_path / "lock", "busy"),
        pytest.raises(HeadshrinkError, match="busy"),
        exclusive(tmp_path / "lock", "busy"),
    ):
        pass
    with exclusive(tmp_path / "lock", "busy"):
        time.sleep(0)


@pytest.mark.parametrize("head", [0, 1])
def test_a_closed_pipe_is_silent(tmp_path, head):
    body = "print('line\\n' * 100_000)"
    writer = start("new_file(Path('out'))", f"place.touch(); {body}", tmp_path)
    reader = subprocess.run(["head", "-n", str(head)], stdin=writer.stdout, capture_output=True, check=True)
    assert writer.stdout is not None
    writer.stdout.close()
    assert writer.stderr is not None
    assert writer.stderr.read() == ""
    assert reader.stdout.count(b"\n") == head
    assert writer.wait() == 128 + signal.SIGPIPE
