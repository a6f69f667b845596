"""Options of a command from the models of parameters: name, range, default and help stand there alone.

An argument of the command whose type is a section becomes an option for each of the section's parameters, `--ratio`
for `ratio` and `--student-kind` for `student.kind`.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import wraps
from inspect import Parameter, signature
from pathlib import Path
from typing import Annotated, Any, get_type_hints

import typer
from pydantic.fields import FieldInfo

from headshrink.parameters.checked import checked
from headshrink.parameters.describe import allowed
from headshrink.parameters.section import Section, kinds_of

LONGEST_RANGE = 120  # characters of it in the help

PairsOption = Annotated[Path, typer.Option(help="English-Russian text: a TSV, aligned files or a folder of them")]
SuiteOption = Annotated[
    Path | None, typer.Option(help="folder with encodechka's data files, whose sentences are not used")
]


@dataclass(frozen=True)
class Option:
    """One parameter as an option: `path` are its keys inside the section, `schema` what it may be as JSON schema."""

    path: tuple[str, ...]
    field: FieldInfo
    schema: dict[str, Any]

    @property
    def name(self) -> str:
        return "_".join(self.path)

    @property
    def flag(self) -> str:
        return "--" + self.name.replace("_", "-")

    @property
    def annotation(self) -> Any:
        """What typer reads from the command line: a flag, texts that are repeated, or a text."""
        kind = self.schema.get("type")
        return bool | None if kind == "boolean" else list[str] | None if kind == "object" else str | None

    def as_argument(self) -> Parameter:
        """The option as an argument of the command, None where it is not given."""
        flags = [f"{self.flag}/--no-{self.flag[2:]}"] if self.annotation == bool | None else [self.flag]
        info = typer.Option(*flags, help=self.help(), show_default=False, metavar=self.metavar())
        return Parameter(self.name, Parameter.KEYWORD_ONLY, default=None, annotation=Annotated[self.annotation, info])

    def help(self) -> str:
        """The description, the kinds that it belongs to, the range where it fits a line, and the default."""
        only = f" (only {', '.join(kinds)})" if (kinds := kinds_of(self.field)) else ""
        range_ = "" if self.schema.get("type") in ("boolean", "object") else allowed(self.schema)
        shown = f"; {range_}" if 0 < len(range_) <= LONGEST_RANGE else ""
        if names := self.schema.get("propertyNames", {}).get("enum"):
            shown = f"; names: {', '.join(names)}"
        default = as_text(self.field.get_default(call_default_factory=True))
        return f"{(self.field.description or '').replace('; empty: ', '; none: ')}{only}{shown} [default: {default}]"

    def metavar(self) -> str | None:
        return {"object": "NAME=VALUE", "boolean": None, "array": "A,B,..."}.get(str(self.schema.get("type")), "VALUE")

    def value(self, given: Any) -> Any:
        """What the command line gave, in the parameter's type; text stays text for the model to refuse."""
        if self.schema.get("type") == "object":
            return dict(self.entry(word) for word in given)
        return given if isinstance(given, bool) else value_of(given, self.schema)

    def entry(self, word: str) -> tuple[str, Any]:
        """NAME=VALUE, the value 1 where there is none."""
        name, _, text = word.partition("=")
        return name, value_of(text or "1", self.schema["additionalProperties"])


def as_text(value: Any) -> str:
    """A value as `value_of` reads it."""
    if isinstance(value, dict):
        return " ".join(f"{name}={as_text(part)}" for name, part in value.items())
    if isinstance(value, list):
        return ",".join(map(as_text, value)) or "none"
    return "none" if value is None else f"{value:g}" if isinstance(value, float) else str(value)


def value_of(text: str, schema: dict[str, Any]) -> Any:
    """The text as the first type of a JSON schema that it can be; the text itself where it can be none of them."""
    try:
        return READERS["anyOf" if "anyOf" in schema else schema["type"]](text, schema)
    except (ValueError, KeyError):
        return text


def _read_any(text: str, schema: dict[str, Any]) -> Any:
    for option in sorted(schema["anyOf"], key=lambda option: option["type"] != "null"):  # else `none` would be text
        read = READERS[option["type"]] if option["type"] != "array" else _read_whole_list
        with suppress(ValueError):
            return read(text, option)
    raise ValueError(text)


def _read_text(text: str, schema: dict[str, Any]) -> str:
    if "enum" in schema and text not in schema["enum"]:
        raise ValueError(text)
    return text


def _read_list(text: str, schema: dict[str, Any]) -> list[Any]:
    words = [word.strip() for word in text.split(",") if word.strip()]
    return [value_of(word, schema["items"]) for word in words] if text != "none" else []


def _read_whole_list(text: str, schema: dict[str, Any]) -> list[Any]:
    """A list all of whose items can be read; ValueError for another text, which may be of another type."""
    return [READERS[schema["items"]["type"]](word, schema["items"]) for word in text.split(",")]


def _read_null(text: str, schema: dict[str, Any]) -> None:
    if text != "none":
        raise ValueError(text)


READERS: dict[str, Callable[[str, dict[str, Any]], Any]] = {
    "integer": lambda text, schema: int(text),
    "number": lambda text, schema: float(text),
    "string": _read_text,
    "array": _read_list,
    "anyOf": _read_any,
    "null": _read_null,
}


def options_of(model: type[Section], prefix: tuple[str, ...] = ()) -> Iterator[Option]:
    """The options of a section in the order of its parameters; those of a section inside it begin with its name."""
    properties = model.model_json_schema()["properties"]
    for key, field in model.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, Section):
            yield from options_of(field.annotation, (*prefix, key))
        else:
            yield Option((*prefix, key), field, properties[key])


def with_options(command: Callable[..., None]) -> Callable[..., None]:
    """The command as typer can take it; raises HeadshrinkError, when it is called, for a value that is not allowed."""
    hints = get_type_hints(command, include_extras=True)
    arguments = signature(command).parameters
    sections = {name: hints[name] for name in arguments if is_section(hints[name])}
    options = {name: list(options_of(model)) for name, model in sections.items()}
    shown = [
        argument.replace(annotation=hints[name], kind=Parameter.KEYWORD_ONLY)
        for name, argument in arguments.items()
        if name not in sections
    ]
    shown += [option.as_argument() for some in options.values() for option in some]

    @wraps(command)
    def run(**given: Any) -> None:
        made = {name: section_from(model, options[name], given) for name, model in sections.items()}
        command(**{name: given[name] for name in arguments if name not in sections}, **made)

    run.__signature__ = signature(run).replace(parameters=shown)  # type: ignore[attr-defined]
    run.__annotations__ = {parameter.name: parameter.annotation for parameter in shown}
    return run


def section_from(model: type[Section], options: Sequence[Option], given: dict[str, Any]) -> Section:
    """A section from what the command line gave; what it did not give has its default."""
    values: dict[str, Any] = {}
    for option in options:
        if (text := given[option.name]) is not None and text != []:
            place = values
            for key in option.path[:-1]:
                place = place.setdefault(key, {})
            place[option.path[-1]] = option.value(text)
    return checked(model, values)


def is_section(hint: Any) -> bool:
    return isinstance(hint, type) and issubclass(hint, Section)
