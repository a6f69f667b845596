"""The stages of dvc.yaml in dependency order; dvc.yaml stays the one description of the pipeline."""

import re
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import yaml

from flows.checkout import FlowError
from tasks.yaml_file import read_sections

TEMPLATE = re.compile(r"\$\{([^}]+)\}")


@dataclass(frozen=True)
class Stage:
    """One stage and the stages whose outputs it reads."""

    name: str
    after: tuple[str, ...]


def read_stages(folder: Path) -> list[Stage]:
    """The stages of `folder`'s dvc.yaml, every one after those it reads from.

    A stage reads from another when one of its deps is, contains, or lies within one of the other's outs, metrics or
    plots; `${section.key}` is filled in from params.yaml. Raises FlowError for a cycle or an unknown key.
    """
    described = yaml.safe_load((folder / "dvc.yaml").read_text(encoding="utf-8"))["stages"]
    parameters = read_sections(folder / "params.yaml")
    outputs = {
        name: [out for kind in ("outs", "metrics", "plots") for out in _paths(stage.get(kind, []), parameters)]
        for name, stage in described.items()
    }
    after = {}
    for name, stage in described.items():
        deps = _paths(stage.get("deps", []), parameters)
        after[name] = tuple(other for other, outs in outputs.items() if other != name and _meet(deps, outs))
    return _in_order(after)


def _paths(entries: list[Any], parameters: dict[str, Any]) -> list[PurePosixPath]:
    """Paths of a dvc.yaml list, whose entries are a path or {path: options}."""
    names = [next(iter(entry)) if isinstance(entry, dict) else entry for entry in entries]
    return [PurePosixPath(TEMPLATE.sub(lambda match: str(_value(match[1], parameters)), name)) for name in names]


def _value(key: str, parameters: dict[str, Any]) -> Any:
    value: Any = parameters
    for part in key.split("."):
        if not isinstance(value, dict) or part not in value:
            raise FlowError(f"dvc.yaml uses ${{{key}}}, which params.yaml does not have")
        value = value[part]
    return value


def _meet(deps: list[PurePosixPath], outs: list[PurePosixPath]) -> bool:
    return any(dep.is_relative_to(out) or out.is_relative_to(dep) for dep in deps for out in outs)


def _in_order(after: dict[str, tuple[str, ...]]) -> list[Stage]:
    """Stages by rounds: those whose predecessors are all done, in dvc.yaml's order."""
    done: list[Stage] = []
    names: set[str] = set()
    while len(done) < len(after):
        ready = [name for name in after if name not in names and names.issuperset(after[name])]
        if not ready:
            raise FlowError(f"the stages {', '.join(sorted(after.keys() - names))} of dvc.yaml wait for each other")
        done += [Stage(name, after[name]) for name in ready]
        names.update(ready)
    return done
