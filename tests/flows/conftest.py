"""A stand-in for the pipeline, small and quick, in a repository of its own; and one Prefect server for the session."""

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

sys.path.insert(0, str(Path(__file__).parent))
from served import Served

ROOT = Path(__file__).resolve().parents[2]

# Each stage writes what dvc.yaml says of it from the parameters of its section and from what it reads; "slow" sleeps.
STAGE = """
import json, pathlib, sys, time, yaml
name, out, *deps = sys.argv[1:]
section = yaml.safe_load(open("params.yaml"))[name]
read = "".join(pathlib.Path(dep).read_text() for dep in deps)
pathlib.Path("log").open("a").write(name + chr(10))
if pathlib.Path(f"{name}.slow").exists():
    print(f"{name}: 1/4", flush=True)
    pathlib.Path(f"{name}.pid").write_text(str(__import__("os").getpid()))
    time.sleep(float(pathlib.Path(f"{name}.slow").read_text() or 60))
if pathlib.Path(f"{name}.fails").exists():
    print("error: the user gave a bad thing", flush=True)
    sys.exit(2)
path = pathlib.Path(out)
path.parent.mkdir(parents=True, exist_ok=True)
if out.endswith(".json"):
    value = sum(read.encode()) % 1000 / 1000
    path.write_text(json.dumps({m: {"mean_s": value} for m in ("teacher", "pruned", "student")}))
elif name == "report":
    path.mkdir()
    (path / "report.md").write_text("# Report\\n![bars](bars.png)\\n")
    (path / "report.html").write_text("<h1>Report</h1>")
else:
    path.write_text(name + json.dumps(section, sort_keys=True) + str(sum(read.encode())))
"""

PIPELINE = {  # stage: (out, reads)
    "corpus": ("artifacts/corpus.txt", []),
    "teacher": ("artifacts/teacher.txt", []),
    "prune": ("artifacts/pruned.txt", ["artifacts/teacher.txt"]),
    "distill": ("artifacts/student.txt", ["artifacts/pruned.txt", "artifacts/corpus.txt"]),
    "benchmark": ("artifacts/benchmark/quality.json", ["artifacts/student.txt", "artifacts/teacher.txt"]),
    "report": ("artifacts/report", ["artifacts/benchmark/quality.json"]),
}


def described() -> str:
    """dvc.yaml of the stand-in."""
    lines = ["stages:"]
    for name, (out, reads) in reversed(PIPELINE.items()):  # not in the order in which they run
        kind = "metrics" if out.endswith(".json") else "outs"
        lines += [f"  {name}:", f"    cmd: python stage.py {name} {out} {' '.join(reads)}", f"    params: [{name}]"]
        lines += ["    deps:", *(f"      - {dep}" for dep in ["stage.py", *reads]), f"    {kind}:", f"      - {out}"]
    return "\n".join(lines) + "\n"


def run(folder: Path, *command: str) -> str:
    """Output of a command in `folder`, with this Python's programs first in PATH; AssertionError where it fails."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(command, cwd=folder, text=True, capture_output=True, env=os.environ | {"PATH": path})
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="session")
def stand_in_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The stand-in project, committed and built once."""
    folder = tmp_path_factory.mktemp("template") / "project"
    (folder / "profiles").mkdir(parents=True)
    (folder / "stage.py").write_text(STAGE)
    (folder / "dvc.yaml").write_text(described())
    shutil.copyfile(ROOT / "profiles" / "demo.yaml", folder / "params.yaml")
    change(folder, "prune", ratio=0.5)
    (folder / "profiles" / "none").write_text("")
    (folder / ".gitignore").write_text("/artifacts/\n/.work/\n/log\n*.slow\n*.pid\n*.fails\n/mlflow.db\n/mlruns/\n")
    run(folder, "git", "init", "--quiet", ".")
    run(folder, "git", "config", "user.email", "test@example.org")
    run(folder, "git", "config", "user.name", "Test")
    run(folder, "dvc", "init", "--quiet")
    run(folder, "dvc", "config", "core.analytics", "false")
    run(folder, "dvc", "repro", "--quiet")
    run(folder, "git", "add", "--all")
    run(folder, "git", "commit", "--quiet", "--message", "stand-in")
    return folder


@pytest.fixture
def stand_in(stand_in_template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the built stand-in, which is also the working directory."""
    folder = tmp_path / "project"
    shutil.copytree(stand_in_template, folder, symlinks=True)
    (folder / "log").unlink()
    monkeypatch.chdir(folder)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    return folder


def ran(folder: Path) -> list[str]:
    """The stages whose command ran since the copy was made, in order."""
    log = folder / "log"
    return log.read_text().split() if log.exists() else []


def change(folder: Path, section: str, **values: object) -> None:
    """Set some keys of a section of params.yaml."""
    content = yaml.safe_load((folder / "params.yaml").read_text(encoding="utf-8"))
    content[section].update(values)
    (folder / "params.yaml").write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture(scope="session")
def served(stand_in_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """`make serve` in a stand-in of its own, for all tests; its server is also this process's Prefect server."""
    folder = tmp_path_factory.mktemp("served")
    shutil.copytree(stand_in_template, folder / "project", symlinks=True)
    (folder / "project" / ".work").mkdir()
    (folder / "project" / "log").unlink()
    (folder / "home").mkdir()
    served = Served(folder / "project", folder / "home", free_port())
    os.environ.update(
        PREFECT_API_URL=served.url,
        PREFECT_API_AUTH_STRING=served.password(),
        PREFECT_HOME=str(folder / "home"),
        PREFECT_LOGGING_TO_API_WHEN_MISSING_FLOW="ignore",
    )
    served.start()
    yield served
    served.stop()
