"""Data sets from a hub: the real download code against a local server."""

import gzip
import json
import os
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from fake_hub import FakeHub

ROOT = Path(__file__).resolve().parents[4]
CLIENT = """
import json, sys
from pathlib import Path
from headshrink.data.corpus.sources.hub import Hub
from headshrink.errors import HeadshrinkError

answers = []
for hub_id, revision in json.loads(sys.argv[1]):
    source = Hub(hub_id, revision, Path("work/datasets"))
    try:
        answers.append([[pair.en, pair.ru, pair.source] for pair in source.pairs()])
    except HeadshrinkError as error:
        answers.append(str(error))
print(json.dumps(answers))
"""
PAIRS = [("A cat sleeps.", "Кошка спит."), ("A dog runs.", "Собака бежит.")]


def ask(environment: dict[str, str], folder: Path, *asked: tuple[str, str]) -> list:
    """What the source gives for each (id, revision), in one client process."""
    command = [sys.executable, "-c", CLIENT, json.dumps(asked)]
    environment = environment | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def translations(path: Path) -> None:
    """A data set in the shape of opus: a column `translation`, in Parquet."""
    path.mkdir()
    (path / "data").mkdir()
    column = [{"en": en, "ru": ru} for en, ru in PAIRS]
    pq.write_table(pa.table({"id": [0, 1], "translation": column}), path / "data" / "train-00000-of-00001.parquet")
    pq.write_table(pa.table({"id": [2], "translation": column[:1]}), path / "data" / "test-00000-of-00001.parquet")


def columns(path: Path, names: tuple[str, str]) -> None:
    """A data set with a column a language, in gzipped JSON lines."""
    path.mkdir()
    lines = [json.dumps(dict(zip(names, pair, strict=True)), ensure_ascii=False) for pair in PAIRS]
    (path / "train.jsonl.gz").write_bytes(gzip.compress("\n".join(lines).encode()))


def test_both_shapes_arrive_and_everything_else_is_one_line(tmp_path: Path) -> None:
    translations(tmp_path / "opus")
    columns(tmp_path / "plain", ("en", "ru"))
    columns(tmp_path / "french", ("en", "fr"))
    with FakeHub() as hub:
        commits = {
            name: hub.add("datasets", f"someone/{name}", tmp_path / name) for name in ("opus", "plain", "french")
        }
        asked = [(f"someone/{name}", commit) for name, commit in commits.items()]
        asked += [("someone/missing", "0" * 40), ("someone/opus", "0" * 40)]
        opus, plain, french, missing, unpinned = ask(hub.environment(tmp_path / "home"), tmp_path, *asked)
    assert opus == [[en, ru, "someone/opus"] for en, ru in PAIRS]
    assert plain == [[en, ru, "someone/plain"] for en, ru in PAIRS]
    assert french == "someone/french has columns en, fr: allowed are translation ({en, ru}), or en and ru"
    assert missing.startswith("cannot read the data set someone/missing at 000")
    assert unpinned.startswith("cannot read the data set someone/opus at 000")
    assert not any("\n" in message for message in (french, missing, unpinned))
    assert not (tmp_path / "work" / "datasets").exists()


def test_offline_is_one_line(tmp_path: Path) -> None:
    environment = dict(os.environ) | {"HF_HOME": str(tmp_path / "home"), "HF_HUB_OFFLINE": "1"}
    (message,) = ask(environment, tmp_path, ("someone/opus", "0" * 40))
    assert message.startswith("cannot read the data set someone/opus")
    assert "\n" not in message
