"""Stages corpus and tokenize as processes: what they write, what a mistake or a kill leaves behind (nothing)."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from headshrink.data.shards import read_split
from tasks import params
from tasks.params import ParamsError

ROOT = Path(__file__).resolve().parents[2]
SHA = "a" * 64


def write_params(folder: Path, corpus: dict[str, Any], suite: dict[str, Any] | None = None) -> Path:
    """The demo profile with other corpus and suite parameters, in a folder of its own."""
    content = yaml.safe_load((ROOT / "profiles" / "demo.yaml").read_text(encoding="utf-8"))
    content["corpus"] |= corpus
    content["suite"] |= suite or {}
    content["tokenize"]["max_length"] = 64  # positions of the tiny model
    (folder / "profiles").mkdir(exist_ok=True)
    (folder / "profiles" / "none").touch()
    path = folder / "params.yaml"
    path.write_text(yaml.safe_dump(content), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("corpus", "said"),
    [
        ({"source": "parallel"}, "corpus.path = 'profiles/none': source parallel needs the path"),
        ({"source": "yandex"}, "corpus.url = None: source yandex needs the archive's url or its local path"),
        ({"source": "yandex", "url": "http://x/y.zip"}, "corpus.sha256 = None: a download needs the SHA-256"),
        ({"source": "yandex", "url": "http://x/y.zip", "sha256": "abc"}, "corpus.sha256 = 'abc'"),
        ({"source": "yandex", "url": "http://x/y.zip", "sha256": SHA, "path": "params.yaml"}, "one of them"),
        ({"source": "hub", "hub_id": "a/b"}, "corpus.hub_revision = None: source hub needs"),
        ({"source": "hub", "hub_revision": SHA}, "corpus.hub_id = None: source hub needs"),
        ({"source": "yandx"}, "corpus.source = 'yandx': allowed: generated, hub, parallel, yandex"),
    ],
)
def test_parameters_that_do_not_go_together_are_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, corpus: dict[str, Any], said: str
) -> None:
    path = write_params(tmp_path, corpus)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ParamsError) as caught:
        params.load(path)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def stage(name: str, folder: Path) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", f"tasks.{name}"]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=240)


def test_corpus_then_tokenize_write_whole_folders_and_nothing_else(tmp_path: Path, tiny_folder: Path) -> None:
    write_params(tmp_path, {"pairs": 1_000})
    (tmp_path / "artifacts").mkdir()
    (tmp_path / "artifacts" / "teacher").symlink_to(tiny_folder)
    for name in ("corpus", "tokenize"):
        done = stage(name, tmp_path)
        assert done.returncode == 0, done.stderr
    artifacts = tmp_path / "artifacts"
    assert {path.name for path in artifacts.iterdir()} == {"corpus", "shards", "suite", "teacher"}
    assert {path.name for path in (artifacts / "corpus").iterdir()} == {
        "train.parquet",
        "heldout.parquet",
        "counts.json",
    }
    for split in ("train", "heldout"):
        rows = pq.read_metadata(artifacts / "corpus" / f"{split}.parquet").num_rows
        assert len(read_split(artifacts / "shards", split)) == rows > 0
    counts, suite = (json.loads((artifacts / name).read_text()) for name in ("corpus/counts.json", "suite/suite.json"))
    assert counts["generated"]
    assert suite["label"] == "demo suite (generated)"
    assert not list((tmp_path / "artifacts").glob(".*.unfinished-*"))


def test_sentences_longer_than_the_teacher_s_positions_are_refused(tmp_path: Path, tiny_folder: Path) -> None:
    path = write_params(tmp_path, {"pairs": 1_000})
    path.write_text(path.read_text(encoding="utf-8").replace("max_length: 64", "max_length: 500"), encoding="utf-8")
    (tmp_path / "artifacts").mkdir()
    (tmp_path / "artifacts" / "teacher").symlink_to(tiny_folder)
    done = stage("tokenize", tmp_path)
    assert done.returncode == 2
    said = done.stderr.strip().splitlines()[-1]
    assert said == "error: params.yaml: tokenize.max_length = 500: the teacher has 128 positions"
    assert not (tmp_path / "artifacts" / "shards").exists()


WORKERS = """
import os, sys, time
from pathlib import Path
from headshrink.data import shards

def write_shard(job):
    Path(f"worker-{os.getpid()}").touch()
    time.sleep(60)

shards.write_shard = write_shard
shards.write_shards(Path("corpus"), Path(sys.argv[1]), Path("shards"), 16, 2, 2)
"""


def test_workers_die_with_a_stage_that_is_killed(tmp_path: Path, tiny_folder: Path) -> None:
    (tmp_path / "shards").mkdir()
    (tmp_path / "corpus").mkdir()
    for split in ("train", "heldout"):
        pq.write_table(pa.table({"en": ["a cat"] * 9, "ru": ["кошка"] * 9}), tmp_path / "corpus" / f"{split}.parquet")
    command = [sys.executable, "-c", WORKERS, str(tiny_folder / "tokenizer.json")]
    parent = subprocess.Popen(command, cwd=tmp_path, env=os.environ | {"PYTHONPATH": str(ROOT)})
    wait_for(lambda: len(list(tmp_path.glob("worker-*"))) == 2, seconds=120)
    parent.kill()
    parent.wait()
    workers = [int(path.name.removeprefix("worker-")) for path in tmp_path.glob("worker-*")]
    wait_for(lambda: not any(running(pid) for pid in workers), seconds=5)


def wait_for(condition: Callable[[], bool], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "timed out"
        time.sleep(0.05)


def running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_a_mistake_in_the_data_is_one_line_and_leaves_nothing(tmp_path: Path) -> None:
    for side, lines in {"en": 2, "ru": 1}.items():
        (tmp_path / f"x.{side}").write_text("line\n" * lines)
    write_params(tmp_path, {"source": "parallel", "path": "x.en"})
    done = stage("corpus", tmp_path)
    assert done.returncode == 2
    assert done.stderr == "error: corpus: x.en has 2 lines and x.ru 1: aligned files need equally many\n"
    assert list((tmp_path / "artifacts").iterdir()) == []
