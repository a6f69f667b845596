"""Stages corpus and tokenize as processes: what they write, and that a mistake leaves nothing behind."""

import hashlib
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tasks import params
from tasks.params import ParamsError

ROOT = Path(__file__).resolve().parents[2]
SHA = "a" * 64


def write_params(folder: Path, corpus: dict[str, Any], suite: dict[str, Any] | None = None) -> Path:
    """The demo profile with other corpus and suite parameters, in a folder of its own."""
    content = yaml.safe_load((ROOT / "profiles" / "demo.yaml").read_text(encoding="utf-8"))
    content["corpus"] |= corpus
    content["suite"] |= suite or {}
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


def hashes(folder: Path) -> dict[str, str]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_corpus_then_tokenize_write_the_same_bytes_twice(tmp_path: Path, tiny_folder: Path) -> None:
    write_params(tmp_path, {"pairs": 1_000})
    (tmp_path / "artifacts").mkdir()
    (tmp_path / "artifacts" / "teacher").symlink_to(tiny_folder)
    written = []
    for _ in range(2):
        for name in ("corpus", "tokenize"):
            done = stage(name, tmp_path)
            assert done.returncode == 0, done.stderr
        written.append({out: hashes(tmp_path / "artifacts" / out) for out in ("corpus", "suite", "shards")})
    assert written[0] == written[1]
    assert set(written[0]["corpus"]) == {"train.parquet", "heldout.parquet", "counts.json"}
    assert sorted(path.name for path in (tmp_path / "artifacts").iterdir()) == ["corpus", "shards", "suite", "teacher"]
    assert not list((tmp_path / ".work").glob("*.tmp-*"))


def test_a_mistake_in_the_data_is_one_line_and_leaves_nothing(tmp_path: Path) -> None:
    for side, lines in {"en": 2, "ru": 1}.items():
        (tmp_path / f"x.{side}").write_text("line\n" * lines)
    write_params(tmp_path, {"source": "parallel", "path": "x.en"})
    done = stage("corpus", tmp_path)
    assert done.returncode == 2
    assert done.stderr == "error: corpus: x.en has 2 lines and x.ru 1: aligned files need equally many\n"
    assert list((tmp_path / "artifacts").iterdir()) == []
