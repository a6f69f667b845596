"""README: every piece of Python runs, and every command it names is there."""

import re
from pathlib import Path

import pytest

from demo.suite import write_demo_suite
from headshrink.cli import VERBS
from headshrink.exporting import TARGETS, Options, Original

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
PYTHON = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)
SHELL = "\n".join(re.findall(r"```sh\n(.*?)```", README, flags=re.DOTALL) + re.findall(r"`([^`\n]+)`", README))


@pytest.fixture
def reader(tiny_encoder, tiny_folder, tmp_path, monkeypatch) -> dict[str, object]:
    """What a reader has at hand: a result under artifacts/, a model folder, sentences in both languages."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    for name in ("transformers", "onnx"):
        target = TARGETS[name]
        target.write(Original(tiny_encoder), Path("artifacts/export") / target.place, Options())
    Path("models").mkdir()
    Path("models/LaBSE-en-ru").symlink_to(tiny_folder)
    Path("pairs").mkdir()
    rows = (f"the man sees {n} cats\tмужчина видит {n} кошек\n" for n in range(200))
    Path("pairs/made.tsv").write_text("".join(rows), encoding="utf-8")
    Path("texts").mkdir()
    Path("texts/made.txt").write_text("a small dog\n", encoding="utf-8")
    Path("encodechka").mkdir()
    write_demo_suite(Path("encodechka"), seed=0)
    return {}


def test_every_piece_of_python_runs_in_its_order(reader):
    assert len(PYTHON) >= 2
    for code in PYTHON:
        exec(compile(code, "README.md", "exec"), reader)
    scores = reader["result"].details["models"]["student"]["tasks"]
    assert len(scores) == 10
    assert reader["result"].details["intervals"]["student"].keys() >= scores.keys()
    assert reader["pruned"].backbone.num_parameters() < reader["teacher"].backbone.num_parameters()


def test_every_make_target_and_verb_is_there():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):.*## ", makefile, flags=re.MULTILINE))
    assert set(re.findall(r"\bmake ([a-z][a-z-]*)", SHELL)) <= targets
    assert set(re.findall(r"\bheadshrink ([a-z]+)\b", SHELL)) <= set(VERBS)
    for module in re.findall(r"python -m ([a-z.]+)", SHELL):
        assert (ROOT / module.replace(".", "/")).with_suffix(".py").is_file(), module
