"""The one reader of the project's own YAML: params.yaml, profiles, and values on a command line.

Values mean what DVC takes them for, which reads the same file as YAML 1.2: `5e-4` is a number, `yes` and 2026-01-01 are
text. What could mean two things or grow without limit is refused: repeated keys, anchors, aliases, tags, deep nesting.
"""

import re
from pathlib import Path
from typing import Any

import yaml

from headshrink.errors import HeadshrinkError

MAX_BYTES = 256 * 1024  # a parameter file has nine thousand
MAX_DEPTH = 20
MAX_DIGITS = 30  # of a whole number; every bound of a parameter is far below
SCALARS = {  # of YAML 1.2's core schema: what the text looks like, and the characters that it may begin with
    "null": (r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    "bool": (r"true|True|TRUE|false|False|FALSE", list("tTfF")),
    "int": (r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+", list("-+0123456789")),
    "float": (r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)",
              list("-+0123456789.")),
}  # fmt: skip


class Dumper(yaml.SafeDumper):
    """Writes text so that neither YAML 1.1 nor 1.2 takes it for a number, and repeats values instead of naming them."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


class YamlError(HeadshrinkError):
    """Text that is not the YAML that is allowed here; one line with the place."""


class Loader(yaml.SafeLoader):
    """PyYAML's safe loader with the scalars of YAML 1.2, without everything that the module's first lines refuse."""

    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012  # PyYAML's own name and type
    depth = 0

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        event = self.peek_event()  # type: ignore[no-untyped-call]  # the stubs lack it
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise self.refusal("anchors (&) and aliases (*) are not allowed; write the value out", event.start_mark)
        if getattr(event, "tag", None):
            raise self.refusal(f"tags (!) are not allowed: {event.tag}", event.start_mark)
        if self.depth >= MAX_DEPTH:
            raise self.refusal(f"nested deeper than {MAX_DEPTH} levels", event.start_mark)
        self.depth += 1
        node = super().compose_node(parent, index)
        self.depth -= 1
        return node

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: dict[str, int] = {}
        for place, _ in node.value:
            key, line = self.construct_object(place, deep=True), place.start_mark.line + 1
            if not isinstance(key, str):
                raise self.refusal(f"the key {place.value if place.id == 'scalar' else '...'} is no text; quote it",
                                   place.start_mark)  # fmt: skip
            if key in seen:
                raise self.refusal(f"the key {key} is there twice, first in line {seen[key]}", place.start_mark)
            seen[key] = line
        return super().construct_mapping(node, deep)

    def whole_number(self, node: yaml.ScalarNode) -> int:
        text = str(node.value)
        if len(text) > MAX_DIGITS:
            raise self.refusal(f"a number of {len(text)} digits, at most {MAX_DIGITS} are read", node.start_mark)
        return int(text, {"0o": 8, "0x": 16}.get(text[:2], 10))

    def number(self, node: yaml.ScalarNode) -> float:
        text = str(node.value).lower()
        return float(text.replace(".inf", "inf").replace(".nan", "nan"))

    @staticmethod
    def refusal(problem: str, mark: yaml.Mark) -> yaml.MarkedYAMLError:
        return yaml.MarkedYAMLError(None, None, problem, mark)


for kind, (pattern, first) in SCALARS.items():
    for user in (Loader, Dumper):
        user.add_implicit_resolver(f"tag:yaml.org,2002:{kind}", re.compile(rf"(?:{pattern})\Z"), first)
Loader.add_constructor("tag:yaml.org,2002:int", Loader.whole_number)
Loader.add_constructor("tag:yaml.org,2002:float", Loader.number)


def parse(text: str) -> Any:
    """What a YAML text says; YamlError in one line, with line and column where they are known."""
    if len(text.encode("utf-8", "surrogatepass")) > MAX_BYTES:
        raise YamlError(f"more than {MAX_BYTES // 1024} KiB of YAML: no parameter file is so large")
    try:
        return yaml.load(text, Loader)  # a SafeLoader
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        place = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
        raise YamlError(f"{place}{error.problem or error.context}") from error
    except yaml.YAMLError as error:
        raise YamlError(" ".join(str(error).split())) from error


def dump(content: Any) -> str:
    """A value as a block of YAML, in its own order, that `parse` reads as the same value."""
    return yaml.dump(content, Dumper=Dumper, sort_keys=False, allow_unicode=True)


def in_one_line(value: Any) -> str:
    """A value as YAML in one line."""
    text = yaml.dump(value, Dumper=Dumper, default_flow_style=True, width=10_000_000, allow_unicode=True)
    return text.removesuffix("...\n").strip()


def read_sections(path: Path) -> dict[str, Any]:
    """The sections of a parameter file; YamlError in one line that begins with the path.

    Raises it also for a file that cannot be read, is no UTF-8, or is no mapping of sections.
    """
    try:
        with open(path, "rb") as file:  # no more of it than is allowed: it may be a device or have no end
            sections = parse(file.read(MAX_BYTES + 1).decode("utf-8"))
    except OSError as error:
        raise YamlError(f"{path}: {error.strerror}; a YAML file of sections is needed") from error
    except UnicodeDecodeError as error:
        raise YamlError(f"{path}: byte {error.start} is no UTF-8; a YAML file of sections is needed") from error
    except YamlError as error:
        raise YamlError(f"{path}: {error}") from error
    if not isinstance(sections, dict):
        raise YamlError(f"{path}: no mapping of sections; `section:` with indented `key: value` lines is needed")
    return sections
