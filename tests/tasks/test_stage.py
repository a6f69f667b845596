"""A stage's process: whole outputs or none, one copy at a time, dead with its parent, mistakes in one line."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

STAGE = """
import sys, time
from pathlib import Path
from headshrink.output import new_folder
from tasks import params, stage

params.load = lambda: None
def run():
    {body}
stage.main(run, "toy", "toy")
"""
WRITE = """
    with new_folder(Path("artifacts/toy")) as folder:
        (folder / "a").write_text("new")
        {middle}
        (folder / "b").write_text("new")
"""


def start(tmp_path: Path, body: str) -> subprocess.Popen[str]:
    script = STAGE.format(body=body)
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    return subprocess.Popen(
        [sys.executable, "-c", script],
        cwd=tmp_path,
        env=environment,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def wait_for(condition, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "timed out"
        time.sleep(0.05)


def leftovers(tmp_path: Path) -> list[Path]:
    return list((tmp_path / "artifacts").glob(".toy.unfinished-*"))


def alive(pid: int) -> bool:
    try:
        return "Z" not in Path(f"/proc/{pid}/stat").read_text().split()[2]
    except FileNotFoundError:
        return False


def test_killed_stage_leaves_no_output_and_the_next_run_cleans_up(tmp_path: Path) -> None:
    process = start(tmp_path, WRITE.format(middle="time.sleep(600)"))
    wait_for(lambda: leftovers(tmp_path))
    process.kill()
    process.wait()
    assert leftovers(tmp_path)
    assert not (tmp_path / "artifacts/toy").exists()

    process = start(tmp_path, WRITE.format(middle="pass"))
    assert process.wait() == 0
    assert not leftovers(tmp_path)
    assert sorted(path.name for path in (tmp_path / "artifacts/toy").iterdir()) == ["a", "b"]


def test_failed_stage_keeps_the_earlier_output(tmp_path: Path) -> None:
    (tmp_path / "artifacts/toy").mkdir(parents=True)
    (tmp_path / "artifacts/toy/a").write_text("old")
    process = start(tmp_path, WRITE.format(middle="raise RuntimeError('bug')"))
    _, errors = process.communicate()
    assert process.returncode == 1
    assert "Traceback" in errors, "our own bug shows its traceback"
    assert (tmp_path / "artifacts/toy/a").read_text() == "old"
    assert not leftovers(tmp_path)


def test_stage_dies_with_its_parent(tmp_path: Path) -> None:
    launcher = (
        "import subprocess, sys, time\n"
        f"child = subprocess.Popen([sys.executable, '-c', {STAGE.format(body='time.sleep(600)')!r}])\n"
        "print(child.pid, flush=True)\ntime.sleep(600)\n"
    )
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    parent = subprocess.Popen(
        [sys.executable, "-c", launcher], cwd=tmp_path, env=environment, stdout=subprocess.PIPE, text=True
    )
    assert parent.stdout is not None
    stage = int(parent.stdout.readline())
    wait_for(lambda: (tmp_path / ".work/toy.lock").exists())
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    wait_for(lambda: not alive(stage), seconds=10)


ORPHAN = """
import os, subprocess, sys, time
if sys.argv[1] == "parent":
    subprocess.Popen([sys.executable, __file__, "child", str(os.getpid())])
    sys.exit()
while os.getppid() == int(sys.argv[2]):
    time.sleep(0.01)
from headshrink.cores import die_with_parent
open("orphaned", "w").close()
die_with_parent()
open("outlived", "w").close()
"""


@pytest.mark.skipif(sys.platform != "linux", reason="Linux only")
def test_stage_whose_parent_died_while_it_was_starting_dies_too(tmp_path: Path) -> None:
    script = tmp_path / "orphan.py"
    script.write_text(ORPHAN)
    subprocess.run(
        [sys.executable, str(script), "parent"], cwd=tmp_path, start_new_session=True, check=True, timeout=60,
        env=os.environ | {"PYTHONPATH": str(ROOT)}, stdout=subprocess.PIPE,
    )  # fmt: skip
    assert (tmp_path / "orphaned").exists()
    assert not (tmp_path / "outlived").exists()


def test_second_copy_gives_up_in_one_line(tmp_path: Path) -> None:
    first = start(tmp_path, "Path('started').touch(); time.sleep(600)")
    wait_for((tmp_path / "started").exists)
    second = start(tmp_path, "raise AssertionError('two copies')")
    _, errors = second.communicate()
    first.kill()
    first.communicate()
    assert second.returncode == 2
    assert errors.startswith("error: toy: another copy")
    assert errors.count("\n") == 1


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (
            "from headshrink.errors import HeadshrinkError; raise HeadshrinkError('x.tsv, line 3, a tab is needed')",
            "x.tsv",
        ),
        ("import errno; raise OSError(errno.ENOSPC, 'No space left on device', 'artifacts/toy/a')", "No space left"),
        ("Path('/proc/nowhere/file').write_text('x')", "/proc/nowhere/file: No such file"),
        ("Path('artifacts').mkdir(); Path('artifacts').write_text('x')", "artifacts: Is a directory"),
        ("raise OSError('a library says so')", "a library says so"),
        ("raise Exception('No space left on device (os error 28)')", "No space left on device"),
        (
            "import torch; from safetensors.torch import save_file; save_file({'a': torch.ones(2)}, '/proc/nowhere/a')",
            "No such file",
        ),
    ],
)
def test_users_mistake_is_one_line_and_exit_2(tmp_path: Path, body: str, said: str) -> None:
    process = start(tmp_path, body)
    _, errors = process.communicate()
    assert process.returncode == 2
    assert said in errors
    assert errors.startswith("error: toy: ")
    assert errors.count("\n") == 1


def test_an_output_that_cannot_be_written_is_found_before_the_work(tmp_path: Path) -> None:
    (tmp_path / "artifacts").mkdir()
    (tmp_path / "artifacts/toy").touch()
    process = start(tmp_path, "Path('worked').touch()")
    _, errors = process.communicate()
    assert (process.returncode, errors) == (2, "error: toy: artifacts/toy is a file: give the path of a folder\n")
    assert not (tmp_path / "worked").exists()


def test_a_terminated_stage_removes_what_is_unfinished(tmp_path: Path) -> None:
    process = start(tmp_path, WRITE.format(middle="time.sleep(600)"))
    wait_for(lambda: leftovers(tmp_path))
    time.sleep(0.2)
    process.terminate()
    _, errors = process.communicate()
    assert (process.returncode, errors) == (128 + signal.SIGTERM, "")
    assert not leftovers(tmp_path)
