"""Every verb of the command line can be asked for help, and a mistake of the user's is one line."""

import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from headshrink.cli import VERBS, build


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
