"""Make a profile the parameters: `python -m tasks.profile NAME [--set section.key=value ...]`.

The whole profile is validated before params.yaml is replaced. Comments of the profile come along.
"""

import argparse
import os
import re
import sys
from pathlib import Path

import yaml

from tasks import params
from tasks.params import PARAMS, ParamsError

PROFILES = Path("profiles")
LOCAL_PATHS = (  # (section, key) of the values that may name a file of the user's
    ("suite", "path"), ("corpus", "path"), ("teacher", "path"), ("benchmark", "pairs"), ("benchmark", "graded"),
    ("teach", "monolingual"),
)


def write_profile(name: str, changes: list[str]) -> None:
    """Replace params.yaml by profiles/NAME.yaml with some values changed; ParamsError where the result is not allowed.

    A path among the changes is written absolute, so that the pipeline also finds it from a worktree.
    """
    source = PROFILES / f"{name}.yaml"
    if not source.is_file():
        known = ", ".join(sorted(path.stem for path in PROFILES.glob("*.yaml")))
        raise ParamsError(f"no profile {name!r}; allowed: {known}")
    text = source.read_text(encoding="utf-8")
    for change in changes:
        text = changed(text, change)
    unchecked = PARAMS.with_name(f".{PARAMS.name}.{os.getpid()}")
    try:
        unchecked.write_text(text, encoding="utf-8")
        try:
            params.load(unchecked)
        except ParamsError as error:
            raise ParamsError(str(error).replace(str(unchecked), str(source))) from error
        unchecked.replace(PARAMS)
    finally:
        unchecked.unlink(missing_ok=True)


def changed(text: str, change: str) -> str:
    """A profile's text with one `section.key=value` changed, its comment kept; ParamsError for an unknown key.

    A key may lie deeper, as distill.student.layers.
    """
    name, equals, value = change.partition("=")
    section, *keys = name.split(".")
    place = rf"^{re.escape(section)}:"
    for depth, key in enumerate(keys, 1):
        indent = "  " * depth
        place += rf"[^\n]*\n(?:{indent}[^\n]*\n|[ \t]*#[^\n]*\n|\n)*?{indent}{re.escape(key)}:"
    line = re.compile(rf"({place})[^\n#]*(#[^\n]*)?$", re.MULTILINE)
    if not equals or not keys or not all([section, *keys]) or not line.search(text):
        raise ParamsError(f"--set {change}: section.key=value with a key of the profile is needed")
    path = Path(value).expanduser()
    if (section, *keys) in LOCAL_PATHS and path.parts[:1] != ("artifacts",) and path.exists():
        value = str(path.resolve())
    written = yaml.safe_dump(yaml.safe_load(value), default_flow_style=True, width=10_000).removesuffix("...\n").strip()
    return line.sub(lambda found: f"{found[1]} {written}" + (f"  {found[2]}" if found[2] else ""), text)


def main(arguments: list[str] | None = None) -> int:
    """Exit 2 after one line where the profile or a value is not allowed."""
    parser = argparse.ArgumentParser(prog="python -m tasks.profile", description="Write a profile into params.yaml.")
    parser.add_argument("name", help="a file of profiles/, without .yaml")
    parser.add_argument("--set", dest="changes", action="append", default=[], metavar="section.key=value")
    given = parser.parse_args(arguments)
    try:
        write_profile(given.name, given.changes)
    except ParamsError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print(f"{PARAMS} is now the profile {given.name}; `dvc repro` runs it")
    return 0


if __name__ == "__main__":
    sys.exit(main())
