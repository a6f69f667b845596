"""All parameters with their defaults, allowed values and descriptions: `make params`, or `python -m tasks.reference`.

Everything comes from the models in headshrink/parameters, which are the only place where it is written.
"""

import textwrap
from collections.abc import Iterator
from dataclasses import dataclass

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from headshrink.parameters.describe import allowed
from headshrink.parameters.section import kinds_of
from tasks.params import Params
from tasks.yaml_file import in_one_line

WIDTH = 118


@dataclass(frozen=True)
class Parameter:
    """One parameter: `name` is section.key; `default` is YAML, `required` where there is none."""

    name: str
    default: str
    allowed: str
    only_for: str
    description: str


def parameters(model: type[BaseModel] = Params, prefix: str = "") -> Iterator[Parameter]:
    """Every parameter in the order of the models, those of nested sections after their section's own name."""
    properties = model.model_json_schema()["properties"] if prefix else {}
    for key, field in model.model_fields.items():
        name, kind = f"{prefix}{key}", field.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            yield from parameters(kind, f"{name}.")
            continue
        only_for = f"{getattr(model, 'kind_key', '')} {', '.join(kinds)}" if (kinds := kinds_of(field)) else ""
        yield Parameter(name, default_of(field), allowed(properties[key]), only_for, field.description or "")


def default_of(field: FieldInfo) -> str:
    """The default as YAML in one line."""
    value = field.get_default(call_default_factory=True) if not field.is_required() else PydanticUndefined
    return "required" if value is PydanticUndefined else in_one_line(value)


def text_of(found: Parameter) -> str:
    """A parameter as three short lines."""
    only = f" (only for {found.only_for})" if found.only_for else ""
    head = f"{found.name}: {found.default}{only}"
    lines = [found.description, f"allowed: {found.allowed}"]
    indented = (textwrap.fill(line, WIDTH, initial_indent="    ", subsequent_indent="    ") for line in lines)
    return "\n".join([head, *indented])


def main() -> None:
    for found in parameters():
        print(text_of(found))


if __name__ == "__main__":
    main()
