"""A throw-away checkout of the working tree with small parameters, and dvc run in it as a user would."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent

# Small enough that the whole road takes a minute; big enough that every stage has real work.
SMALL = {
    "teacher": {"steps": 30},
    "prune": {"ratio": 0.5},
    "importance": {"batches": 4, "batch_size": 16},
    "distill": {"epochs": 0.5, "evaluations": 2},
    "export": {"targets": ["transformers", "onnx"], "check_sentences": 32},
    "benchmark": {"tasks": ["sts", "sa", "icx", "ne1"], "repeats": 3, "limit_s": 0.1},
    "speed": {"rows": ["torch"], "settings": ["b1_32tokens_1thread"], "repeats": 3, "limit_s": 0.1},
}


class Project:
    """A git and DVC checkout in a temporary folder, its parameters the committed ones but for `changes`."""

    def __init__(self, folder: Path, changes: dict[str, dict] = SMALL) -> None:
        self.folder = folder
        copy_tracked(folder)
        self.change(changes)

    def params(self) -> dict:
        return yaml.safe_load((self.folder / "params.yaml").read_text(encoding="utf-8"))

    def change(self, changes: dict[str, dict]) -> None:
        """Overwrite some keys of params.yaml."""
        content = self.params()
        for section, values in changes.items():
            content[section].update(values)
        (self.folder / "params.yaml").write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")

    def start(self, *command: str) -> subprocess.Popen[str]:
        environment = os.environ | {"PATH": f"{BIN}:{os.environ['PATH']}"}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)  # an import must not make a stage stale
        environment.pop("SHELL", None)  # dvc then takes /bin/sh, which keeps a process of its own beside its command
        return subprocess.Popen(
            command, cwd=self.folder, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )

    def run(self, *command: str) -> str:
        """A command's output; the test fails with it where the command does."""
        process = self.start(*command)
        output, _ = process.communicate()
        assert process.returncode == 0, output
        return output

    def repro(self) -> set[str]:
        """Run `dvc repro`: the stages whose commands ran."""
        lines = self.run("dvc", "repro").splitlines()
        return {line.split("'")[1] for line in lines if line.startswith("Running stage '")}

    def lock(self) -> dict[str, str]:
        """Hash of every output in dvc.lock, by path."""
        stages = yaml.safe_load((self.folder / "dvc.lock").read_text(encoding="utf-8"))["stages"]
        return {out["path"]: out["md5"] for stage in stages.values() for out in stage["outs"]}


def copy_tracked(folder: Path) -> None:
    """The working tree's tracked and new files as a git repository of their own; dvc.lock starts empty."""
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    for name in filter(None, listed.stdout.split("\0")):
        if name != "dvc.lock" and not name.startswith("reports/") and (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    for command in (
        ["init", "-q"],
        ["add", "-A"],
        ["-c", "user.name=t", "-c", "user.email=t@t", "commit", "-qm", "copy"],
    ):
        subprocess.run(["git", *command], cwd=folder, check=True)
