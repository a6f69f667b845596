"""CI refuses a dvc.lock that is not of the code beside it."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from conftest import ROOT, change

GATE = ROOT / ".ci" / "lockgate.py"


def gate(folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, GATE, folder], text=True, capture_output=True, env=os.environ)


def test_a_fresh_clone_without_data_or_cache_passes(stand_in: Path) -> None:
    shutil.rmtree(stand_in / "artifacts")
    shutil.rmtree(stand_in / ".dvc" / "cache")
    assert gate(stand_in).returncode == 0


def test_changed_parameters_name_the_stale_stage(stand_in: Path) -> None:
    change(stand_in, "prune", ratio=0.25)
    done = gate(stand_in)
    assert done.returncode == 1
    assert done.stderr.startswith("error: dvc.lock is stale in prune")
    assert done.stderr.count("\n") == 1


def test_changed_code_names_every_stage_that_has_it(stand_in: Path) -> None:
    (stand_in / "stage.py").write_text((stand_in / "stage.py").read_text() + "# new\n")
    done = gate(stand_in)
    assert done.returncode == 1
    assert "corpus" in done.stderr
    assert "report" in done.stderr


def test_a_pipeline_that_cannot_be_read_fails_too(stand_in: Path) -> None:
    (stand_in / "dvc.yaml").write_text("stages: [")
    assert gate(stand_in).returncode == 1
