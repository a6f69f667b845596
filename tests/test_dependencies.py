"""dvc.yaml lists what each stage really uses: a change to any file that a stage imports must rerun it."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[1]
STAGES = yaml.safe_load((ROOT / "dvc.yaml").read_text(encoding="utf-8"))["stages"]
PACKAGES = ("demo", "headshrink", "tasks")
# They say how errors and progress look, how files are put in place, how work is shared over cores and what is exported:
# no result depends on them, and every stage imports them.
WITHOUT_RESULTS = {
    f"headshrink/{name}.py"
    for name in (
        "__init__", "cores", "errors", "output", "progress", "redact", "parameters/__init__", "parameters/section",
    )
}  # fmt: skip
WITHOUT_RESULTS |= {"demo/__init__.py"}
# Stages run through these and tell MLflow of it by these; they decide how a stage runs and never what it computes.
HARNESS = {
    f"tasks/{name}.py"
    for name in ("__init__", "stage", "params", "live", "tracking", "yaml_file", "machine")
}


def imported(file: Path) -> Iterator[Path]:
    """The files of the project that one file names in its imports, at any depth of its code."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        else:
            continue
        for name in names:
            if name.split(".")[0] in PACKAGES:
                path = ROOT / name.replace(".", "/")
                yield from (found for found in (path.with_suffix(".py"), path / "__init__.py") if found.is_file())


def used_by(stage: str) -> set[str]:
    """Every project file that a stage's module reaches through imports."""
    todo, seen = [ROOT / "tasks" / f"{stage}.py"], set()
    while todo:
        file = todo.pop()
        name = file.relative_to(ROOT).as_posix()
        if name in seen or name in WITHOUT_RESULTS | HARNESS:
            continue
        seen.add(name)
        todo.extend(imported(file))
    return seen


@pytest.mark.parametrize("stage", STAGES)
def test_deps_cover_every_import(stage: str) -> None:
    listed = [dep for dep in STAGES[stage]["deps"] if not dep.startswith(("$", "artifacts"))]
    missing = {name for name in used_by(stage) if not any(name == dep or name.startswith(f"{dep}/") for dep in listed)}
    assert not missing, f"dvc.yaml: stage {stage} uses files that are not in its deps"


@pytest.mark.parametrize("stage", STAGES)
def test_deps_hold_nothing_unused(stage: str) -> None:
    """A dependency that a stage does not use would rerun it for nothing."""
    used = used_by(stage)
    for dep in STAGES[stage]["deps"]:
        if dep.split("/")[0] in PACKAGES:
            assert any(name == dep or name.startswith(f"{dep}/") for name in used), f"{stage} lists {dep} for nothing"


def test_importance_never_depends_on_the_ratio() -> None:
    assert "prune" not in STAGES["importance"]["params"]
    assert "prune" not in STAGES["targets"]["params"]


@pytest.mark.parametrize("package", ["tasks", "flows"])
def test_no_module_imports_itself_through_others(package: str) -> None:
    """Imports inside functions count: stages once imported the launcher, which imported all stages' parameters."""
    files = {file: set(imported(file)) - {file} for file in (ROOT / package).glob("*.py")}
    while leaves := [file for file, others in files.items() if not others & files.keys()]:
        for file in leaves:
            del files[file]
    assert not files, f"a cycle among {', '.join(sorted(file.name for file in files))}"
