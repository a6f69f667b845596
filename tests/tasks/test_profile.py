"""`make profile`: a whole, valid parameter set or an unchanged params.yaml."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from tasks import profile
from tasks.params import Params
from tasks.yaml_file import read_sections

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    shutil.copytree(ROOT / "profiles", tmp_path / "profiles")
    (tmp_path / "params.yaml").write_text("as it was")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def local(project: Path) -> list[str]:
    """What the folder profile needs from its user."""
    for name in ("model", "pairs", "suite"):
        (project / name).mkdir()
    return ["--set", "teacher.path=model", "--set", "corpus.path=pairs", "--set", "suite.path=suite"]


def test_the_default_is_the_demo() -> None:
    assert (ROOT / "params.yaml").read_bytes() == (ROOT / "profiles/demo.yaml").read_bytes()


@pytest.mark.parametrize("name", ["demo", "folder", "labse-en-ru", "tenth"])
def test_profiles_are_complete_and_every_key_is_commented(name: str) -> None:
    text = (ROOT / "profiles" / f"{name}.yaml").read_text(encoding="utf-8")
    content = yaml.safe_load(text)
    demo = yaml.safe_load((ROOT / "profiles/demo.yaml").read_text(encoding="utf-8"))
    assert list(content) == list(Params.model_fields) == list(demo)
    assert {section: set(values) for section, values in content.items()} == {s: set(v) for s, v in demo.items()}
    keys = [line for line in text.splitlines() if re.match("  [a-z]", line)]
    assert not [line for line in keys if "  # " not in line]


def test_local_paths_become_absolute_and_comments_stay(project: Path) -> None:
    assert profile.main(["folder", *local(project), "--set", "prune.ratio=0.25"]) == 0
    text = (project / "params.yaml").read_text(encoding="utf-8")
    content = yaml.safe_load(text)
    assert content["teacher"]["path"] == str(project / "model")
    assert content["prune"]["ratio"] == 0.25
    assert "ratio: 0.25  # share" in text


def test_a_key_may_lie_deeper(project: Path) -> None:
    sets = ["distill.student.heads=12", "distill.losses.cosine=2.5", "export.gate.pairs=100", "prune.heads=0.5"]
    assert profile.main(["tenth", *local(project), *(word for one in sets for word in ("--set", one))]) == 0
    content = yaml.safe_load((project / "params.yaml").read_text(encoding="utf-8"))
    assert content["distill"]["student"]["heads"] == 12
    assert content["distill"]["losses"]["cosine"] == 2.5
    assert content["export"]["gate"]["pairs"] == 100
    assert content["prune"]["heads"] == 0.5


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nothing"], "allowed: demo, folder, labse-en-ru, tenth"),
        (["demo", "--set", "prune.ratio=1.0"], "prune.ratio = 1.0"),
        (["demo", "--set", "prune.raito=0.5"], "prune.raito"),
        (["demo", "--set", "prune"], "section.key=value"),
        (["demo", "--set", "distill.student.cosine=1"], "section.key=value"),
        (["folder"], "suite.path"),
        (["labse-en-ru"], "url"),
    ],
)
def test_what_is_not_allowed_is_one_line_and_changes_nothing(
    project: Path, arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert profile.main(arguments) == 2
    error = capsys.readouterr().err
    assert words in error
    assert error.count("\n") == 1
    assert (project / "params.yaml").read_text() == "as it was"
    assert sorted(path.name for path in project.iterdir()) == ["params.yaml", "profiles"]


@pytest.mark.parametrize(
    "value",
    ["with spaces/x", "a #1", "a=b", "$HOME", "it's", 'say "x"', "a: b", "[x]", "5e70123", "яблоко", "a.b=c", "-"],
)
def test_any_name_may_be_a_path_or_a_title(project: Path, monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    (project / value).mkdir(parents=True)
    monkeypatch.setenv("SET", f"corpus.path={project}/{value} report.title={value} prune.ratio=0.25")
    assert profile.main(["demo"]) == 0
    content = read_sections(project / "params.yaml")
    assert content["corpus"]["path"] == str(project / value)
    assert content["report"]["title"] == value
    assert content["prune"]["ratio"] == 0.25
    assert "  # heading of the report" in (project / "params.yaml").read_text(encoding="utf-8")


def test_a_value_that_holds_a_section_s_name_is_set_alone(project: Path) -> None:
    assert profile.main(["demo", "--set", "report.title=a prune.ratio=0.1"]) == 0
    assert read_sections(project / "params.yaml")["report"]["title"] == "a prune.ratio=0.1"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("prune.ratio=*a", "prune.ratio=*a: line 1"),
        ("report.colours={teacher: '#000000', teacher: '#111111'}", "twice"),
        ("corpus.url=https://me:S3CR3T-1@host/x.zip corpus.source=yandex", "environment variable"),
        ("report.title=\x1b[31m" + "x" * 500, "report.title = '\\x1b[31m"),
    ],
)
def test_a_change_that_is_not_allowed_is_one_short_line(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], change: str, said: str
) -> None:
    monkeypatch.setenv("SET", change)
    assert profile.main(["demo"]) == 2
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1
    assert len(error) < 400
    assert "S3CR3T" not in error
    assert "\x1b" not in error


def test_make_gives_the_words_of_set_as_they_are(tmp_path: Path) -> None:
    """No shell and no make takes a space, a quote, `$` or `#` for its own."""
    shutil.copy(ROOT / "Makefile", tmp_path)
    for name in ("requirements.lock", "pyproject.toml", ".venv/.installed", ".venv/bin/python"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    python = tmp_path / ".venv/bin/python"
    python.write_text('#!/bin/sh\nprintf "%s|" "$SET" "$@"\n')
    python.chmod(0o755)
    words = """corpus.path=/a b/#1$x"y"'z'=2 report.title=$(shell touch owned)`touch owned`;touch owned"""
    command = ["make", "--silent", "-o", ".venv/.installed", "profile", "NAME=demo", f"SET={words}"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.stdout == f"{words}|-m|tasks.profile|demo|"
    assert not (tmp_path / "owned").exists()
