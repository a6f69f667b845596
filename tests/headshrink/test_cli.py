"""Every verb of the command line can be asked for help, and a mistake of the user's is one line."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from headshrink.cli import VERBS, build
from headshrink.errors import one_line


@pytest.mark.parametrize("verb", VERBS)
def test_verb_has_help(verb: str) -> None:
    result = CliRunner().invoke(build({verb: VERBS[verb]}), [verb, "--help"])
    assert result.exit_code == 0, result.output
    assert "Usage" in result.output


def test_mistake_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "lines.txt").write_text("Кошка спит.\n", encoding="utf-8")
    command = [sys.executable, "-m", "headshrink.cli", "search", "no-model", "lines.txt", "cat"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith("error: ")
    assert done.stderr.count("\n") == 1


def test_help_imports_nothing_heavy_and_lists_every_verb() -> None:
    code = "import sys; sys.argv[1:] = ['--help']; from headshrink.cli import main; main()"
    code = f"import atexit, sys; atexit.register(lambda: print(sorted(sys.modules))); {code}"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    text, modules = done.stdout.rsplit("\n[", 1)
    heavy = {"torch", "transformers", "onnx", "onnxruntime", "matplotlib", "pandas"}
    assert not heavy & set(re.findall(r"\w+", modules))
    for verb in VERBS:
        assert re.search(rf"\b{verb} +[A-Z]", text), verb


def test_a_package_of_an_extra_that_is_missing_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = ["numpy>=2", 'onnx-other; python_version > "3" and extra == "other"', "onnx; extra == 'all'"]
    lines += ["razdel; extra == 'all'", "onnx>=1.23; extra == 'export'"]
    monkeypatch.setattr("importlib.metadata.requires", lambda _: lines)
    assert one_line(ModuleNotFoundError("", name="onnx.helper")).endswith("pip install 'headshrink[export]'")
    for ours in ("numpy", "headshrink.nothing", "unheard"):
        assert one_line(ModuleNotFoundError("", name=ours)) is None
