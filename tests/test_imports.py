"""Every name that a file takes from a module of this project exists, also where a function imports it."""

import ast
import importlib
import pkgutil
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("headshrink", "demo", "tasks", "flows", "benchmarks")
FILES = sorted(path for name in (*PACKAGES, "tests") for path in (ROOT / name).rglob("*.py"))


@cache
def names_of(module: str) -> frozenset[str]:
    """What a module defines, and its submodules."""
    found = importlib.import_module(module)
    return frozenset({*dir(found), *(part.name for part in pkgutil.iter_modules(getattr(found, "__path__", [])))})


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(ROOT)))
def test_imported_names_exist(file: Path) -> None:
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in PACKAGES:
            assert {alias.name for alias in node.names} <= {*names_of(node.module), "*"}, (node.lineno, node.module)
