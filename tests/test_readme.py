"""README: every piece of Python runs, and every command it names is there."""

import re
from pathlib import Path

import pytest

from headshrink.cli import VERBS
from headshrink.exporting import TARGETS, Options, Original

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
PYTHON = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)
SHELL = "\n".join(re.findall(r"```sh\n(.*?)```", README, flags=re.DOTALL) + re.findall(r"`([^`\n]+)`", README))
MODEL = "/models/my-encoder"  # the reader's own


@pytest.fixture
def reader(tiny_encoder, tiny_folder, tmp_path, monkeypatch) -> dict[str, object]:
    """What a reader has at hand: a result under artifacts/, a model folder, sentences in both languages."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    for name in ("transformers", "onnx"):
        target = TARGETS[name]
        target.write(Original(tiny_encoder), Path("artifacts/export") / target.place, Options())
    return {"english": ["a man runs", "the big cat sleeps"] * 40, "russian": ["мужчина бежит", "кошка спит"] * 40}


def test_every_piece_of_python_runs_in_its_order(reader, tiny_folder):
    assert len(PYTHON) >= 2
    for code in PYTHON:
        exec(compile(code.replace(MODEL, str(tiny_folder)), "README.md", "exec"), reader)


def test_every_make_target_and_verb_is_there():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):.*## ", makefile, flags=re.MULTILINE))
    assert set(re.findall(r"\bmake ([a-z][a-z-]*)", SHELL)) <= targets
    assert set(re.findall(r"\bheadshrink ([a-z]+)\b", SHELL)) <= set(VERBS)
    for module in re.findall(r"python -m ([a-z.]+)", SHELL):
        assert (ROOT / module.replace(".", "/")).with_suffix(".py").is_file(), module
