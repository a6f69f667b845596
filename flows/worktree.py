"""A run with other parameters than params.yaml: in a git worktree of HEAD that shares DVC's cache.

The user's params.yaml, index and tree are never written (`dvc exp run` writes all three for a moment). Stages that the
parameters do not touch are restored from the shared cache; the result is copied to .work/runs and the worktree removed.
"""

import configparser
import copy
import hashlib
import json
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from flows.checkout import FlowError, git
from tasks.params import LOCAL_PATHS
from tasks.tracking import WORK
from tasks.yaml_file import YamlError, dump, read_sections

KEPT = (
    "params.yaml",
    "dvc.yaml",
    "dvc.lock",
    "artifacts/benchmark",
    "artifacts/student/metrics.json",
    "artifacts/student/curve.csv",
    "artifacts/importance",
    "artifacts/report",
    "artifacts/corpus/counts.json",
    "artifacts/speed",
    "artifacts/suite/suite.json",
    "artifacts/teacher/teacher.json",
)  # what the report, MLflow and a reader need of a result; the models stay in DVC's cache
SECONDS_KEPT = 7 * 24 * 3600.0  # of a worktree whose run did not end
COMPARISON = "comparison"  # under .work of a worktree: it is of a comparison
Overrides = dict[str, dict[str, Any]]


def merged(parameters: dict[str, Any], overrides: Overrides) -> dict[str, Any]:
    """Parameters with some keys of some sections replaced."""
    result = copy.deepcopy(parameters)
    for section, values in overrides.items():
        result.setdefault(section, {}).update(values)
    return result


def read_parameters(folder: Path) -> dict[str, Any]:
    """params.yaml as it stands; FlowError where it is no mapping of sections."""
    try:
        return read_sections(folder / "params.yaml")
    except YamlError as error:
        raise FlowError(str(error)) from error


def with_absolute_paths(parameters: dict[str, Any], main: Path) -> dict[str, Any]:
    """Parameters whose local paths hold from any folder.

    A path under artifacts/ is written by a stage of the same worktree, one that git tracks is in the worktree itself;
    both stay as they are, so that the stages which read them are the same as in the main checkout.
    """
    result = copy.deepcopy(parameters)
    for section, key in LOCAL_PATHS:
        path = result.get(section, {}).get(key)
        if path and Path(path).parts[:1] != ("artifacts",) and not in_every_worktree(main, path):
            result[section][key] = str((main / path).resolve())
    return result


def in_every_worktree(main: Path, path: str) -> bool:
    """Whether a relative path is one that git tracks."""
    outside = Path(path).is_absolute() or not (main / path).resolve().is_relative_to(main.resolve())
    return not outside and bool(git(main, "ls-files", "--", path))


def digest(content: Any) -> str:
    """Ten hexadecimal digits naming a JSON value."""
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:10]


@contextmanager
def worktree(main: Path, overrides: Overrides, say: Callable[[str], None]) -> Iterator[Path]:
    """A worktree of HEAD under .work/trees with the overrides in its params.yaml and main's cache and dvc.lock.

    Named by its parameters. It is removed when the block ends well and stays when it fails or is killed, so that the
    same run goes on from its last checkpoint; the next run removes it where that was not started for a week.
    Uncommitted changes are not in it, which `say` is told.
    """
    parameters = with_absolute_paths(merged(read_parameters(main), overrides), main)
    tree = main / WORK / "trees" / digest(parameters)
    if uncommitted := uncommitted_code(main):
        say(f"this run uses the last commit: changes in {', '.join(uncommitted[:5])} are not part of it")
    _remove_unused(main, tree, say)
    _check_out(main, tree)
    _share_cache(main, tree)
    if (main / "dvc.lock").is_file():
        shutil.copyfile(main / "dvc.lock", tree / "dvc.lock")
    (tree / "params.yaml").write_text(dump(parameters), encoding="utf-8")
    yield tree
    remove(main, tree)


def uncommitted_code(folder: Path) -> list[str]:
    """Tracked files that differ from HEAD, apart from params.yaml and dvc.lock, which a result records itself."""
    lines = git(folder, "status", "--porcelain", "--untracked-files=no").splitlines()
    changed = [line[3:].split(" -> ")[-1].strip('"') for line in lines]
    return [path for path in changed if Path(path).name not in ("params.yaml", "dvc.lock")]


def _check_out(main: Path, tree: Path) -> None:
    """Make `tree` a clean worktree of HEAD; what a killed run left ignored in it (outputs, checkpoints) stays."""
    head = git(main, "rev-parse", "HEAD")
    git(main, "worktree", "prune")
    if (tree / ".git").exists():
        git(tree, "checkout", "--quiet", "--force", "--detach", head)
        return
    shutil.rmtree(tree, ignore_errors=True)
    tree.parent.mkdir(parents=True, exist_ok=True)
    git(main, "worktree", "add", "--quiet", "--force", "--detach", str(tree), head)


def _share_cache(main: Path, tree: Path) -> None:
    """Point the worktree's DVC at main's cache; other local settings (remotes, credentials) come along."""
    local = configparser.ConfigParser(interpolation=None)
    local.read([main / ".dvc" / "config.local"])
    everything = configparser.ConfigParser(interpolation=None)
    everything.read([main / ".dvc" / "config", main / ".dvc" / "config.local"])
    directory = main / ".dvc" / everything.get("cache", "dir", fallback="cache")
    if not local.has_section("cache"):
        local.add_section("cache")
    local.set("cache", "dir", str(directory.resolve()))
    with open(tree / ".dvc" / "config.local", "w", encoding="utf-8") as file:
        local.write(file)


def remove(main: Path, tree: Path) -> None:
    """Remove a worktree and git's record of it."""
    shutil.rmtree(tree, ignore_errors=True)
    git(main, "worktree", "prune")


def _remove_unused(main: Path, own: Path, say: Callable[[str], None]) -> None:
    """Remove worktrees that no run has started in for a week; the caller holds the checkout's lock."""
    for tree in trees_of(main):
        if tree != own and time.time() - _last_start(tree) > SECONDS_KEPT:
            say(f"removing {tree}: its run did not end and was not started again for a week")
            remove(main, tree)


def _last_start(tree: Path) -> float:
    """When a run last wrote the parameters of its worktree, in seconds; 0 where none has."""
    parameters = tree / "params.yaml"
    return parameters.stat().st_mtime if parameters.exists() else 0.0


def trees_of(main: Path) -> list[Path]:
    return sorted((main / WORK / "trees").glob("*"))


def mark_comparison(tree: Path) -> None:
    """Mark a worktree as one of a comparison."""
    (tree / WORK).mkdir(exist_ok=True)
    (tree / WORK / COMPARISON).touch()


def remove_comparisons(main: Path, say: Callable[[str], None]) -> None:
    """Remove what comparisons that did not end have left, once another one has; the caller holds the lock."""
    for tree in trees_of(main):
        if (tree / WORK / COMPARISON).exists():
            say(f"removing {tree}, of a comparison that did not end")
            remove(main, tree)


def keep_result(main: Path, tree: Path) -> Path:
    """Copy a finished run's parameters, lock, metrics and report to .work/runs/NAME; that folder.

    NAME is of the result (dvc.lock), not of the parameters: the same parameters under newer code are another result.
    """
    lock = yaml.safe_load((tree / "dvc.lock").read_text(encoding="utf-8"))
    kept = main / WORK / "runs" / digest(lock)
    unfinished = kept.with_name(f".{kept.name}.tmp")
    shutil.rmtree(unfinished, ignore_errors=True)
    for name in KEPT:
        source, target = tree / name, unfinished / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target)
        elif source.is_file():
            shutil.copyfile(source, target)
    shutil.rmtree(kept, ignore_errors=True)
    unfinished.rename(kept)
    return kept
