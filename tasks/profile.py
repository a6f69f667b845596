"""Make a profile the parameters: `python -m tasks.profile NAME [--set section.key=value ...]`.

The whole profile is validated before params.yaml is replaced. Comments of the profile come along. `make profile` gives
its SET in the environment, where no shell and no make takes spaces, quotes, `$` or `#` for its own.
"""

import argparse
import os
import re
import sys
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from headshrink.escape import short
from tasks import params
from tasks.params import LOCAL_PATHS, PARAMS, Params, ParamsError, found
from tasks.yaml_file import YamlError, in_one_line, parse

PROFILES = Path("profiles")
NEXT_CHANGE = re.compile(rf"\s+(?=(?:{'|'.join(Params.model_fields)})(?:\.\w+)+=)")


def changes_in(text: str) -> list[str]:
    """The `section.key=value` words of one text; a value may hold spaces and goes on to the next section.key=."""
    return [word for word in NEXT_CHANGE.split(text.strip()) if word]


def write_profile(name: str, changes: list[str]) -> None:
    """Replace params.yaml by profiles/NAME.yaml with some values changed; ParamsError where the result is not allowed.

    A path among the changes is written absolute, so that the pipeline also finds it from a worktree.
    """
    source = PROFILES / f"{name}.yaml"
    if Path(name).name != name or not source.is_file():
        known = ", ".join(sorted(path.stem for path in PROFILES.glob("*.yaml")))
        raise ParamsError(f"no profile {short(repr(name))}; allowed: {known}")
    try:
        text = source.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ParamsError(f"{source}: {error}; a UTF-8 file is needed") from error
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
    line = re.compile(rf"({place})[^\n]*?(?:[ \t]+(#[ ][^\n]*))?$", re.MULTILINE)
    if not equals or not keys or not all([section, *keys]) or not line.search(text):
        raise ParamsError(f"--set {short(change)}: section.key=value with a key of the profile is needed")
    written = in_one_line(value_of((section, *keys), value))
    return line.sub(lambda found: f"{found[1]} {written}" + (f"  {found[2]}" if found[2] else ""), text)


def value_of(place: tuple[str, ...], text: str) -> Any:
    """What a change's text means: itself where the key holds text, and else what YAML says.

    So `#`, `: ` and a commit of digits are no comment, mapping or number in a path, a URL or a title. A path that is
    there becomes absolute.
    """
    if not holds_text(place) or text in ("null", "~", "") or text[0] in "'\"":
        try:
            value = parse(text)
        except YamlError as error:
            raise ParamsError(f"--set {'.'.join(place)}={short(text)}: {error}") from error
    else:
        value = text
    if place in LOCAL_PATHS and isinstance(value, str):
        path = Path(value).expanduser()
        return str(path.resolve()) if path.parts[:1] != ("artifacts",) and found(path, Path.exists) else value
    return value


def holds_text(place: tuple[str, ...]) -> bool:
    """Whether a parameter is any text, with or without null."""
    model: Any = Params
    for part in place[:-1]:
        field = model.model_fields.get(part)
        model = field.annotation if field else None
        if not (isinstance(model, type) and issubclass(model, BaseModel)):
            return False
    field = model.model_fields.get(place[-1])
    return field is not None and field.annotation in (str, str | None)


def main(arguments: list[str] | None = None) -> int:
    """Exit 2 after one line where the profile or a value is not allowed."""
    parser = argparse.ArgumentParser(prog="python -m tasks.profile", description="Write a profile into params.yaml.")
    parser.add_argument("name", help="a file of profiles/, without .yaml")
    parser.add_argument("--set", dest="changes", action="append", default=[], metavar="section.key=value")
    given = parser.parse_args(arguments)
    try:
        write_profile(given.name, [*given.changes, *changes_in(os.environ.get("SET", ""))])
    except ParamsError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print(f"{PARAMS} is now the profile {given.name}; `dvc repro` runs it")
    return 0


if __name__ == "__main__":
    sys.exit(main())
