"""One small pipeline result, shared by the tests of the whole road."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # for project.py, which is not a test

from project import Project


def write_pairs(path: Path, count: int) -> None:
    """A local TSV: the first `count` of the generated pairs."""
    from demo.pairs import Generated

    pairs = Generated(count, seed=0).pairs()
    path.write_text("".join(f"{pair.en}\t{pair.ru}\n" for pair in pairs), encoding="utf-8")


def make_project(folder: Path) -> Project:
    project = Project(folder / "checkout")
    write_pairs(folder / "pairs.tsv", 3_000)
    project.change({"corpus": {"source": "parallel", "path": str(folder / "pairs.tsv")}})
    return project


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A checkout after one uninterrupted `dvc repro`."""
    project = make_project(tmp_path_factory.mktemp("built"))
    project.repro()
    return project
