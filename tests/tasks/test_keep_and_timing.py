"""The two helpers beside the stages: keeping a report, and timing models of several runs together."""

import json
from pathlib import Path

import pytest

from tasks import keep, timing


def test_a_kept_report_is_a_copy_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    report = tmp_path / "artifacts" / "report"
    report.mkdir(parents=True)
    (report / "report.md").write_text("# First")
    (report / "report.md").chmod(0o444)  # as DVC leaves it
    assert keep.main(["first-try"]) == 0
    kept = tmp_path / "reports" / "first-try" / "report.md"
    kept.write_text("# Mine")
    assert (report / "report.md").read_text() == "# First"


@pytest.mark.parametrize("arguments", [[], ["../escape"], ["a", "b"], ["no-report-yet"]])
def test_what_cannot_be_kept_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert keep.main(arguments) == 2
    assert capsys.readouterr().err.count("\n") == 1
    assert not (tmp_path / "reports").exists()


def test_models_of_several_runs_are_timed_in_one(
    tiny_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One call to the benchmark's own timing, the first model its reference."""
    calls = []

    def measure(models, reference, sentences):
        calls.append(reference)
        texts = {"texts": len(sentences)}
        return {name: {"parameters": model.size()["parameters"]} | texts for name, model in models.items()}

    monkeypatch.setattr("headshrink.benchmarking.cost.measure", measure)
    suite = tmp_path / "suite"
    suite.mkdir()
    (suite / "sentences_sample.txt").write_text("кошка спит\nсобака бежит\n", encoding="utf-8")
    models = [f"teacher={tiny_folder}", f"0.5={tiny_folder}"]
    assert timing.main([str(tmp_path / "cost.json"), str(suite), *models]) == 0
    costs = json.loads((tmp_path / "cost.json").read_text(encoding="utf-8"))
    assert calls == ["teacher"]
    assert costs["teacher"]["parameters"] == costs["0.5"]["parameters"] > 0
    assert costs["teacher"]["texts"] == 2


def test_a_folder_without_a_model_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        timing.main([str(tmp_path / "cost.json"), str(tmp_path), f"teacher={tmp_path}"])
    assert ended.value.code == 2
    assert capsys.readouterr().err.startswith("error: ")
    assert not (tmp_path / "cost.json").exists()
