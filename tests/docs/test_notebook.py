"""The notebook runs from its first cell to its last on the artifacts of a built project."""

from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient
from snippets import ROOT

NOTEBOOK = ROOT / "docs" / "notebooks" / "look_at_a_result.ipynb"
pytestmark = [pytest.mark.timeout(900), pytest.mark.xdist_group("docs")]


def test_the_notebook_runs(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(place)}}).execute()
    printed = "".join(output.get("text", "") for cell in notebook.cells for output in cell.get("outputs", []))
    assert "heads per layer" in printed
    assert "full" in printed


def test_the_notebook_in_git_holds_no_results() -> None:
    cells = nbformat.read(NOTEBOOK, as_version=4).cells
    assert not any(cell.get("outputs") or cell.get("execution_count") for cell in cells)
