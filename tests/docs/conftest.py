"""One built project in which the snippets of README and docs run, with the files that they name."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from transformers import BertConfig, BertModel

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests" / "docs"), str(ROOT / "tests" / "e2e"), str(ROOT / "docs" / "generate")]

from project import SMALL, Project  # noqa: E402

from demo.suite import write_demo_suite  # noqa: E402
from headshrink.model import SentenceEncoder, save_encoder  # noqa: E402

CHANGES = SMALL | {
    "corpus": {"pairs": 2_000},
    "export": {"targets": ["transformers", "onnx", "onnx_int8"], "check_sentences": 32},
    "benchmark": SMALL["benchmark"] | {"tasks": ["sts", "pi", "nli", "sa", "ti", "ia", "ic", "icx"]},  # of mean S
}


def small_teacher(folder: Path, tokenizer: Path) -> None:
    """2 layers x 4 heads, hidden 32, 64 FFN neurons, random weights; the demo's tokenizer."""
    from transformers import AutoTokenizer

    words = AutoTokenizer.from_pretrained(tokenizer)
    shape = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 64}
    config = BertConfig(vocab_size=len(words), max_position_embeddings=128, initializer_range=0.2, **shape)
    torch.manual_seed(0)
    save_encoder(SentenceEncoder(BertModel(config, add_pooling_layer=False), words, max_length=64).eval(), folder)


def write_given_files(folder: Path) -> None:
    """What a reader brings: a teacher, pairs, the benchmark's data, a file of lines."""
    for name in ("my-encoder", "LaBSE-en-ru"):
        small_teacher(folder / "models" / name, folder / "artifacts" / "teacher")
    (folder / "pairs").mkdir()
    rows = [(f"the man sees {n} cats", f"мужчина видит {n} кошек") for n in range(300)]
    (folder / "pairs" / "made.tsv").write_text("".join(f"{en}\t{ru}\n" for en, ru in rows), encoding="utf-8")
    (folder / "lines.txt").write_text("".join(f"{ru}\n" for _, ru in rows), encoding="utf-8")
    (folder / "encodechka").mkdir()
    write_demo_suite(folder / "encodechka", seed=0)


@pytest.fixture(scope="session")
def workplace(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A checkout after `dvc repro` with small parameters, whose `.venv` is this environment."""
    project = Project(tmp_path_factory.mktemp("docs") / "checkout", CHANGES)
    (project.folder / ".venv").symlink_to(Path(sys.executable).parent.parent)
    project.repro()
    project.run("git", "add", "params.yaml", "dvc.lock")
    project.run("git", "-c", "user.name=t", "-c", "user.email=t@t", "commit", "-qm", "result")
    write_given_files(project.folder)
    return project


@pytest.fixture
def place(workplace: Project, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The built project as the current folder; its parameters and results are as committed before and after."""
    monkeypatch.chdir(workplace.folder)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("XDG_CACHE_HOME", str(workplace.folder.parent / "cache"))
    yield workplace.folder
    workplace.run("git", "checkout", "-q", "params.yaml", "dvc.lock")
    workplace.run("dvc", "checkout", "-q", "--force")
