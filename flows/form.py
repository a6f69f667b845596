"""The fields of the Prefect form, with the types, ranges and help of the stages' own parameter models."""

from collections.abc import Callable
from pathlib import Path
from types import NoneType
from typing import Annotated, Any, get_args, get_origin

from pydantic import BaseModel, ConfigDict, Field, create_model, model_serializer
from pydantic.fields import FieldInfo
from pydantic.json_schema import SkipJsonSchema

from flows.checkout import FlowError
from flows.worktree import read_parameters
from tasks.params import Params, complete

FIELDS = {
    "corpus": ("max_pairs",),
    "importance": ("criterion", "batches"),
    "prune": ("ratio", "heads", "ffn", "ranking", "steps", "repair"),
    "distill": ("epochs", "batch_size", "learning_rate", "seed"),
    "benchmark": ("tasks", "repeats"),
}  # section: the keys worth changing from the UI; the others belong in params.yaml


NUMBER_KEYS = ("type", "minimum", "exclusiveMinimum", "maximum", "exclusiveMaximum")


class Form(BaseModel):
    """Fields of one section; those left empty are left out wherever the form is written down."""

    model_config = ConfigDict(extra="forbid")

    @model_serializer(mode="wrap")
    def filled_in(self, serialise: Callable[["Form"], dict[str, Any]]) -> dict[str, Any]:
        return {key: value for key, value in serialise(self).items() if value is not None}


def section_form(section: str) -> type[Form]:
    """A model of some keys of a section, each optional: empty means as params.yaml says when the run starts.

    None is left out of the JSON schema, so that the form shows a field with its range and not a choice between a value
    and nothing; and no default is shown, because a deployment would freeze it. A fraction may also be text.
    """
    parameters: Any = Params.model_fields[section].annotation
    fields: dict[str, Any] = {}
    present = _present(section)
    for key in FIELDS[section]:
        field = parameters.model_fields[key]
        about = Field(None, description=_help(field, present.get(key, "unknown")), json_schema_extra=_schema(field))
        fields[key] = (_may_be_empty(field), about)
    return create_model(section.capitalize(), __base__=Form, **fields)


def _may_be_empty(field: FieldInfo) -> Any:
    """The field's type with its bounds, or None, which the schema does not show."""
    options = [option for option in get_args(field.annotation) if option is not NoneType]
    optional = NoneType in get_args(field.annotation)
    bounds = field.metadata or [Field()]
    annotation: Any = Annotated[(options[0] if optional else field.annotation, *bounds)]
    return annotation | SkipJsonSchema[None]  # type: ignore[misc]


def _present(section: str) -> dict[str, Any]:
    """A section of the working directory's params.yaml; empty where it cannot be read, which a run will say."""
    try:
        found = complete(read_parameters(Path.cwd())).get(section)
    except FlowError:
        return {}
    return found if isinstance(found, dict) else {}


def _help(field: FieldInfo, present: object) -> str:
    """The field's description, range and present value; empty means params.yaml here, and there what the field says."""
    description, _, without = (field.description or "").partition("; empty: ")
    allowed = f"; allowed: {bounds}" if (bounds := _range(field)) else ""
    value = without or "null" if present is None else present
    shown = ", ".join(map(str, value)) if isinstance(value, list) else value
    return f"{description}{allowed}; empty: as params.yaml says (when this form was made: {shown})"


def _constraints(field: FieldInfo) -> dict[str, float]:
    """Bounds by annotated_types' names: those of the field, or of the one option of it that is not None."""
    options = [option for option in get_args(field.annotation) if get_origin(option) is Annotated]
    metadata = [*field.metadata, *(item for option in options for item in get_args(option)[1:])]
    rules = [rule for item in metadata for rule in getattr(item, "metadata", [item])]
    names = ("ge", "gt", "le", "lt")
    return {name: getattr(rule, name) for rule in rules for name in names if getattr(rule, name, None) is not None}


def _range(field: FieldInfo) -> str:
    words = {"ge": "at least", "gt": "above", "le": "at most", "lt": "below"}
    found = _constraints(field)
    return " and ".join(f"{word} {found[name]:,}" for name, word in words.items() if name in found)


def _schema(field: FieldInfo) -> Callable[[dict[str, Any]], None]:
    def change(schema: dict[str, Any]) -> None:
        schema.pop("default", None)
        schema.update(field.json_schema_extra if isinstance(field.json_schema_extra, dict) else {})
        if schema.get("type") == "number":
            number = {key: schema.pop(key) for key in NUMBER_KEYS if key in schema}
            schema["anyOf"] = [{"title": "0.5 or 5e-1", "type": "string", "pattern": _pattern(field)}, number]

    return change


def _pattern(field: FieldInfo) -> str:
    """What a fraction may look like as text. Prefect's number field drops the key `e`, so 5e-4 needs a text field."""
    found = _constraints(field)
    if found.get("lt") == 1 and found.get("ge") == 0:
        return r"^(0|0?\.\d+|0\.\d*|\d(\.\d*)?[eE]-\d+)$"
    sign = "" if found.get("ge", found.get("gt", -1)) >= 0 else "-?"
    return rf"^{sign}(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?$"


def overrides(forms: dict[str, Form], parameters: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """What filled-in forms change in `parameters`; a field filled in with the present value changes nothing."""
    changes: dict[str, dict[str, Any]] = {}
    parameters = complete(parameters)
    for section, form in forms.items():
        filled = form.model_dump(mode="json")
        present = parameters.get(section) or {}
        if changed := {key: value for key, value in filled.items() if present.get(key) != value}:
            changes[section] = changed
    return changes
