"""The built wheel with its base dependencies alone compresses a model: by the command line and by README's lines."""

import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from headshrink.model import SentenceEncoder, save_encoder

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
TEACHER, PAIRS = "models/LaBSE-en-ru", "pairs/"  # as README names them


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("wheel")
    subprocess.run([uv(), "build", "--quiet", "--wheel", "--out-dir", place, ROOT], check=True)
    return next(place.glob("*.whl"))


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of programs of a new environment; torch first, as `make venv` does, then the wheel."""
    place = tmp_path_factory.mktemp("base")
    subprocess.run([sys.executable, "-m", "venv", place], check=True)
    subprocess.run(["make", "--no-print-directory", "torch", f"VENV={place}"], cwd=ROOT, check=True)
    constraint = ["--constraint", ROOT / "requirements.lock"]
    subprocess.run([uv(), "pip", "install", "--quiet", "--python", place, *constraint, wheel], check=True)
    return place / "bin"


@pytest.fixture
def workplace(tiny_encoder: SentenceEncoder, tmp_path: Path) -> Path:
    """A tiny teacher and pairs, under the names of README's lines."""
    (tmp_path / "pairs").mkdir()
    rows = (f"the man sees {n} cats\tмужчина видит {n} кошек\n" for n in range(120))
    (tmp_path / "pairs" / "made.tsv").write_text("".join(rows), encoding="utf-8")
    (tmp_path / "models").mkdir()
    save_encoder(tiny_encoder, tmp_path / TEACHER)
    return tmp_path


def uv() -> Path:
    return Path(sys.executable).parent / "uv"


def run(*command: str | Path, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a program as on a machine without network and without a checkout of the project."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "VIRTUAL_ENV"))}
    environment = kept | {"HF_HUB_OFFLINE": "1", "COLUMNS": "120"}
    return subprocess.run(command, cwd=folder, env=environment, text=True, capture_output=True)


def succeed(*command: str | Path, folder: Path) -> str:
    done = run(*command, folder=folder)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_wheel_holds_the_library_and_its_types_and_no_demo(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert "headshrink/py.typed" in names
    assert {name.split("/")[0] for name in names if ".dist-info" not in name} == {"headshrink"}


def test_the_command_line_prunes_and_distills(installed: Path, workplace: Path) -> None:
    headshrink = installed / "headshrink"
    assert "distill" in succeed(headshrink, "--help", folder=workplace)
    cut = ("--ratio", "0.5", "--repair-pairs", "64", "--batches", "2")
    succeed(headshrink, "prune", TEACHER, "--pairs", PAIRS, "--out", "pruned", *cut, folder=workplace)
    models = ("--teacher", TEACHER, "--student", "pruned")
    training = ("--epochs", "1", "--batch-size", "16", "--evaluations", "1")
    succeed(headshrink, "distill", *models, "--pairs", PAIRS, "--out", "student", *training, folder=workplace)
    assert (workplace / "student" / "model.safetensors").is_file()


def test_the_front_door_up_to_distill_runs(installed: Path, workplace: Path) -> None:
    [lines] = re.findall(r"```python\n(import headshrink as hs\n.*?hs\.distill\([^\n]*\n)", README, flags=re.DOTALL)
    check = "assert student.encode(['кошка спит']).shape == (1, teacher.dimension)"
    succeed(installed / "python", "-c", lines + check, folder=workplace)


def test_a_command_that_needs_an_extra_names_it(installed: Path, workplace: Path) -> None:
    for verb, extra in (("export", "export"), ("compare", "report")):
        done = run(installed / "headshrink", verb, "--help", folder=workplace)
        assert done.returncode == 2
        assert done.stderr.count("\n") == 1
        assert f"pip install 'headshrink[{extra}]'" in done.stderr
