"""Every snippet of README and docs runs, page by page and in the order of the page."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from _pytest.mark import ParameterSet
from snippets import PAGES, ROOT, Snippet, name_of, snippets

from headshrink.cli import VERBS, main

pytestmark = pytest.mark.timeout(900)

# What the tests run in the place of a text: the same command with less work.
SHORTER = {
    "--minutes 5": "--minutes 0.05",
    "minutes=5)": "minutes=0.05)",
    'RATIOS="0.25 0.5 0.75"': 'RATIOS="0.25 0.5"',
    # weights are random and 21 pairs held out: one more wrong neighbour is above the gate
    "--targets transformers,onnx,onnx_int8": "--targets transformers,onnx,onnx_int8 --gate-max-retrieval-loss 1",
    "--markdown comparison.md": "--markdown comparison.md --limit-s 0.1 --repeats 3",
    "suite.path=encodechka": "suite.path=encodechka speed.rows=[torch] speed.settings=[b1_32tokens_1thread] "
    "speed.limit_s=0.1 benchmark.limit_s=0.1 benchmark.repeats=3 benchmark.tasks=[sts,icx] "
    "importance.batches=4 importance.batch_size=16 export.check_sentences=32 distill.epochs=1",
}
PRELUDE = """set -e
make() { command make --no-print-directory -o .venv/.installed "$@"; }
"""
# Pages that run several pipelines: beside the others, in a second project.
LONG = ("README.md", "docs/how-to/reproduce.md")
LANGUAGES = {"python", "sh", ""}  # a block without a language shows a structure
MOST_NOT_RUN = 6


@pytest.fixture
def clean(place: Path) -> Iterator[Path]:
    """The built project without what a page's snippets added to it: another page may use the same names."""
    before = set(place.iterdir())
    yield place
    for path in set(place.iterdir()) - before:
        shutil.rmtree(path) if path.is_dir() else path.unlink()


def with_group(page: Path) -> ParameterSet:
    group = pytest.mark.xdist_group("long docs" if name_of(page) in LONG else "docs")
    return pytest.param(page, marks=group, id=name_of(page))


@pytest.mark.parametrize("page", [with_group(page) for page in PAGES if snippets(page)])
def test_the_snippets_of_a_page_run(page: Path, clean: Path) -> None:
    names: dict[str, Any] = {"__name__": "__main__"}
    for snippet in snippets(page):
        if snippet.runs and snippet.language == "python":
            exec(compile(shorter(snippet.text), name_of(page), "exec"), names)
        if snippet.runs and snippet.language == "sh":
            run_in_shell(shorter(snippet.text), clean) if not is_ours(snippet) else run_here(shorter(snippet.text))
    if page.name == "README.md":
        assert len(names["result"].details["models"]["student"]["tasks"]) == 10
        assert names["pruned"].backbone.num_parameters() < names["teacher"].backbone.num_parameters()


def is_ours(snippet: Snippet) -> bool:
    """Whether a snippet has commands of headshrink alone."""
    return all(line.startswith("headshrink ") for line in lines_of(snippet.text))


def lines_of(text: str) -> list[str]:
    """Commands of a shell snippet, each in one line."""
    return [line for line in text.replace("\\\n", " ").splitlines() if line.strip()]


def run_here(text: str) -> None:
    """Commands of headshrink in this process: each of its own would spend seconds on imports."""
    for line in lines_of(text):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(sys, "argv", shlex.split(line, comments=True))
            with pytest.raises(SystemExit) as end:
                main()
        assert end.value.code == 0, line


def run_in_shell(text: str, folder: Path) -> None:
    kept = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    environment = kept | {"PATH": f"{Path(sys.executable).parent}:{kept['PATH']}", "PYTHONPATH": str(folder)}
    done = subprocess.run(["bash", "-c", PRELUDE + text], cwd=folder, text=True, capture_output=True, env=environment)
    assert done.returncode == 0, f"{text}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"


def shorter(text: str) -> str:
    for long, short in SHORTER.items():
        text = text.replace(long, short)
    return text


def test_every_block_is_of_a_kind_that_runs_or_says_that_it_does_not() -> None:
    blocks = [each for page in PAGES for each in snippets(page)]
    assert {each.language for each in blocks} <= LANGUAGES
    assert sum(not each.runs for each in blocks) <= MOST_NOT_RUN


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_make_target_verb_and_module_is_there(page: Path) -> None:
    text = "\n".join([each.text for each in snippets(page)] + re.findall(r"`([^`\n]+)`", page.read_text("utf-8")))
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):.*## ", makefile, flags=re.MULTILINE))
    assert set(re.findall(r"\bmake ([a-z][a-z-]*)", text)) <= targets
    assert set(re.findall(r"^headshrink ([a-z]+)\b", text, flags=re.MULTILINE)) <= set(VERBS)
    for module in re.findall(r"python -m ((?:flows|tasks|benchmarks|headshrink)[a-z_.]*)", text):
        assert (ROOT / module.replace(".", "/")).with_suffix(".py").is_file(), module


def test_readme_is_short() -> None:
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= 130
