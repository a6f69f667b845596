"""The report stage: its parameters, and the folder it leaves."""

import runpy
from pathlib import Path

import pytest
import yaml

from headshrink.parameters.report import Colours
from tasks import params as all_params
from tasks import report

ROOT = Path(__file__).parents[2]
write_artifacts = runpy.run_path(str(ROOT / "tests/headshrink/report/conftest.py"))["write_artifacts"]


def test_the_report_prints_every_parameter_with_its_value(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    parameters = all_params.load(ROOT / "profiles/demo.yaml")
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".work").mkdir()
    write_artifacts(tmp_path / "artifacts")
    report.run(**dict(parameters))
    text = (tmp_path / "artifacts/report/report.md").read_text(encoding="utf-8")
    printed = yaml.safe_load(text.split("```yaml\n")[1].split("```")[0])
    assert printed == parameters.model_dump(mode="json")
    assert [path.name for path in (tmp_path / "artifacts").iterdir() if path.name.startswith(".")] == []


def test_a_colour_that_is_no_hexadecimal_is_refused() -> None:
    with pytest.raises(ValueError, match="#"):
        Colours(student="greenish")
