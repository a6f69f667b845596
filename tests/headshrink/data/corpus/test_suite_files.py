"""The suite's files from a folder, a clone and an installed package; their name decided by their bytes."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from headshrink.data.corpus import suite
from headshrink.errors import HeadshrinkError


def fill(folder: Path) -> Path:
    """A folder with all of the suite's files, one sentence of its own in each text column."""
    folder.mkdir(parents=True)
    columns = {"stsb_dev": "sentence1,sentence2", "para_gold": "text_1,text_2", "xnli_ru": "sentence1,sentence2"}
    for name in suite.FILES:
        stem, kind = name.rsplit(".", 1)
        if kind == "csv":
            header = columns.get(stem, "text,answer")
            first, second = header.split(",")
            (folder / name).write_text(f'{header},label\n"{stem} {first}, да","{stem} {second}",1\n', encoding="utf-8")
        elif kind == "json":
            (folder / name).write_text(
                json.dumps({"texts": [f"{stem} раз. {stem} два!\n{stem} три"]}), encoding="utf-8"
            )
        else:
            (folder / name).write_text(f"{stem} раз\n{stem} два\n", encoding="utf-8")
    return folder


def commit(repository: Path) -> str:
    """Make a folder a git repository with one commit; its hash."""
    for arguments in (
        ["init", "-q"],
        ["add", "."],
        ["-c", "user.name=t", "-c", "user.email=t@t", "commit", "-qm", "t"],
    ):
        subprocess.run(["git", *arguments], cwd=repository, check=True)
    head = subprocess.run(["git", "rev-parse", "HEAD"], cwd=repository, check=True, capture_output=True, text=True)
    return head.stdout.strip()


def test_every_text_that_a_task_embeds_is_a_sentence_of_the_suite(tmp_path: Path) -> None:
    sentences = set(suite.suite_sentences(fill(tmp_path / "suite")))
    assert {"stsb_dev sentence1, да", "stsb_dev sentence2", "para_gold text_2", "xnli_ru sentence1, да"} <= sentences
    assert {"intents_train text, да", "intents_train answer"} <= sentences  # Russian and English
    assert {"factru раз. factru два!\nfactru три", "factru раз.", "factru три"} <= sentences
    assert {"sentences_sample раз", "sentences_sample два"} <= sentences
    assert "SentiRuEval2016_small_train answer" not in sentences  # a label there


def test_only_encodechkas_own_bytes_are_called_encodechka(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = fill(tmp_path / "suite")

    def label(generated: bool = False) -> str:
        suite.write_description(folder, "my-suite", generated)
        return json.loads((folder / "suite.json").read_text())["label"]

    assert label() == "my-suite (not the original encodechka)"
    assert label(generated=True) == "demo suite (generated)"
    monkeypatch.setattr(suite, "FILES", {name: suite.file_sha256(folder / name) for name in suite.FILES})
    assert label() == "encodechka@5e70bca"
    (folder / "stsb_dev.csv").write_bytes((folder / "stsb_dev.csv").read_bytes() + b"\n")
    assert label() == "my-suite (not the original encodechka)"


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    folder = fill(tmp_path / "suite")
    (folder / "rudrec.json").unlink()
    (tmp_path / "copy").mkdir()
    with pytest.raises(HeadshrinkError, match=r"^no rudrec\.json in the suite folder"):
        suite.copy_suite(folder, tmp_path / "copy")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("rudrec.json", b"{"),
        ("factru.json", b"[]"),
        ("stsb_dev.csv", b"a,b\n1,2\n"),
        ("xnli_ru.csv", "sentence1\nпривет\n".encode("cp1251")),
    ],
)
def test_a_file_of_another_kind_is_named(tmp_path: Path, name: str, content: bytes) -> None:
    folder = fill(tmp_path / "suite")
    (folder / name).write_bytes(content)
    with pytest.raises(HeadshrinkError, match=f"{name} is not one of encodechka's data files") as caught:
        list(suite.suite_sentences(folder))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_suite_that_a_spreadsheet_program_saved_is_searched_as_before(tmp_path: Path, end: str) -> None:
    """With the mark in the first column's name, none of that column's sentences was found in the corpus."""
    folder = fill(tmp_path / "suite")
    (folder / "stsb_dev.csv").write_text("sentence1,sentence2\nNA,null\nкот\u2028спит,дом\n", encoding="utf-8")
    expected = list(suite.suite_sentences(folder))
    assert expected[:4] == ["NA", "null", "кот\u2028спит", "дом"]
    for name in suite.FILES:
        if not name.endswith(".json"):
            text = (folder / name).read_text(encoding="utf-8")
            (folder / name).write_text(text, encoding="utf-8-sig", newline=end)
    assert list(suite.suite_sentences(folder)) == expected


def test_a_clone_at_a_commit_gives_the_package_folder(tmp_path: Path) -> None:
    fill(tmp_path / "encodechka" / "encodechka_eval")
    revision = commit(tmp_path / "encodechka")
    (tmp_path / "encodechka" / "encodechka_eval" / "stsb_dev.csv").write_text("changed since")
    data = suite.clone_suite(revision[:7], tmp_path / "clone", str(tmp_path / "encodechka"))
    assert data == tmp_path / "clone" / "encodechka_eval"
    assert "stsb_dev sentence2" in set(suite.suite_sentences(data))


def test_no_network_and_no_such_commit_are_one_line(tmp_path: Path) -> None:
    fill(tmp_path / "encodechka")
    commit(tmp_path / "encodechka")
    asked = {"offline": ("5e70bca", "http://127.0.0.1:9/encodechka"), "wrong": ("0" * 7, str(tmp_path / "encodechka"))}
    for name, (revision, repository) in asked.items():
        with pytest.raises(HeadshrinkError, match=r"^cannot fetch .*; go online or use source folder$") as caught:
            suite.clone_suite(revision, tmp_path / name, repository)
        assert "\n" not in str(caught.value)


def test_an_installed_package_is_found_without_importing_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(HeadshrinkError, match="no package encodechka_eval"):
        suite.installed_suite()
    data = fill(tmp_path / "encodechka_eval")
    (data / "__init__.py").write_text("raise ImportError('imported')")
    monkeypatch.syspath_prepend(tmp_path)
    assert suite.installed_suite() == data
    assert "encodechka_eval" not in sys.modules
