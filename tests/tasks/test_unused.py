"""The explicit empty result of importance and prune, for kinds of students that do not use the pruned model."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from safetensors.numpy import load_file

from headshrink.distillation.students import STUDENTS
from headshrink.distillation.students._base import StudentKind
from headshrink.distillation.students.narrow import narrow
from tasks import params
from tasks.params import ParamsError
from tasks.stage import uses_pruned_model
from tasks.unused import is_used

ROOT = Path(__file__).parents[2]
STAGES = yaml.safe_load((ROOT / "dvc.yaml").read_text(encoding="utf-8"))["stages"]
PROFILES = sorted((ROOT / "profiles").glob("*.yaml"))


def with_kind(folder: Path, kind: str) -> None:
    """A folder with the parameters of the demo, another kind of student in them, and no result of any stage."""
    content = yaml.safe_load((ROOT / "profiles/demo.yaml").read_text(encoding="utf-8"))
    content["distill"]["student"] = {"kind": kind}
    (folder / "params.yaml").write_text(yaml.safe_dump(content), encoding="utf-8")
    (folder / "profiles").mkdir()
    (folder / "profiles/none").touch()


def run(folder: Path, stage: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    return subprocess.run(
        [sys.executable, "-m", f"tasks.{stage}"], cwd=folder, env=environment, capture_output=True, text=True
    )


def test_neither_stage_reads_teacher_or_text_and_each_writes_all_its_outputs(tmp_path: Path) -> None:
    with_kind(tmp_path, "static")
    for stage in ("importance", "prune"):
        process = run(tmp_path, stage)
        assert process.returncode == 0, process.stderr
        assert process.stdout == f"{stage}: nothing to do: students of this kind do not use the pruned model\n"
        described = [out for kind in ("outs", "metrics", "plots") for out in STAGES[stage].get(kind, [])]
        names = [next(iter(out)) if isinstance(out, dict) else out for out in described]
        assert [name for name in names if not (tmp_path / name).exists()] == []
    artifacts = tmp_path / "artifacts"
    assert {name: scores.size for name, scores in load_file(artifacts / "importance/scores.safetensors").items()} == {
        "heads": 0, "ffn": 0,
    }  # fmt: skip
    assert (artifacts / "importance/scores.csv").read_text() == "kind,layer,index,score,rank\n"
    assert (artifacts / "importance/map.png").read_bytes().startswith(b"\x89PNG")
    assert json.loads((artifacts / "importance/convergence.json").read_text())["used"] is False
    assert [path.name for path in (artifacts / "pruned").iterdir()] == ["prune.json"]
    assert not is_used(artifacts / "pruned")


def test_the_kind_itself_says_whether_it_uses_the_pruned_model(monkeypatch: pytest.MonkeyPatch) -> None:
    assert [kind for kind in STUDENTS if uses_pruned_model(kind)] == ["pruned"]
    monkeypatch.setitem(STUDENTS, "another", StudentKind(narrow.build, "made", uses_pruned_model=True))
    assert uses_pruned_model("another")


def test_the_stages_know_the_kind_and_nothing_else_of_the_student() -> None:
    for stage in ("importance", "prune"):
        assert [name for name in STAGES[stage]["params"] if name.startswith("distill")] == ["distill.student.kind"]


@pytest.mark.parametrize("profile", PROFILES, ids=lambda path: path.stem)
def test_a_profile_holds_every_key_that_dvc_reads(profile: Path) -> None:
    """DVC refuses a stage whose parameter is not in params.yaml, after hours of earlier stages."""
    content = yaml.safe_load(profile.read_text(encoding="utf-8"))
    for name in {name for stage in STAGES.values() for name in stage.get("params", [])}:
        value = content
        for part in name.split("."):
            assert part in value, f"{profile.name}: {name} is missing"
            value = value[part]


@pytest.mark.parametrize("distill", [{}, {"student": {}}])
def test_parameters_without_a_key_that_dvc_reads_are_refused(tmp_path: Path, distill: dict[str, object]) -> None:
    content = yaml.safe_load((ROOT / "profiles/demo.yaml").read_text(encoding="utf-8")) | {"distill": distill}
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(content), encoding="utf-8")
    with pytest.raises(ParamsError, match=r"distill\.student\.kind: missing key"):
        params.load(tmp_path / "params.yaml")
