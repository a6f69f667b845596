"""The fields of the Prefect form, with the types, ranges and help of the stages' own parameter models."""

import re
from collections.abc import Callable
from types import NoneType
from typing import Annotated, Any, get_args

from pydantic import BaseModel, ConfigDict, Field, create_model, model_serializer
from pydantic.fields import FieldInfo
from pydantic.json_schema import SkipJsonSchema

from tasks.params import Params

FIELDS = {
    "corpus": ("max_pairs",),
    "importance": ("criterion", "batches"),
    "prune": ("ratio", "heads", "ffn", "ranking", "steps", "repair"),
    "distill": ("epochs", "batch_size", "learning_rate", "seed"),
    "benchmark": ("tasks", "repeats"),
}  # section: the keys worth changing from the UI; the others belong in params.yaml


class Form(BaseModel):
    """Fields of one section; those left empty are left out wherever the form is written down."""

    model_config = ConfigDict(extra="forbid")

    @model_serializer(mode="wrap")
    def filled_in(self, serialise: Callable[["Form"], dict[str, Any]]) -> dict[str, Any]:
        return {key: value for key, value in serialise(self).items() if value is not None}


def section_form(section: str) -> type[Form]:
    """A model of some keys of a section, each optional: empty means as params.yaml says when the run starts.

    None is left out of the JSON schema, so that the form shows a number field with its range and not a choice between
    a number and nothing; and no default is shown, because a deployment would freeze it.
    """
    parameters: Any = Params.model_fields[section].annotation
    fields: dict[str, Any] = {}
    for key in FIELDS[section]:
        field = parameters.model_fields[key]
        fields[key] = (_may_be_empty(field), Field(None, description=_help(field), json_schema_extra=_schema(field)))
    return create_model(section.capitalize(), __base__=Form, **fields)


def _may_be_empty(field: FieldInfo) -> Any:
    """The field's type with its bounds, or None, which the schema does not show."""
    options = [option for option in get_args(field.annotation) if option is not NoneType]
    optional = NoneType in get_args(field.annotation)
    bounds = field.metadata or [Field()]
    annotation: Any = Annotated[(options[0] if optional else field.annotation, *bounds)]  # type: ignore[misc]
    return annotation | SkipJsonSchema[None]  # type: ignore[misc]


def _help(field: FieldInfo) -> str:
    """The field's description with what an empty field means here, in place of what null means in params.yaml."""
    description = re.sub(r"; empty: .*", "", field.description or "")
    return f"{description}; empty: as params.yaml says"


def _schema(field: FieldInfo) -> Callable[[dict[str, Any]], None]:
    def change(schema: dict[str, Any]) -> None:
        schema.pop("default", None)
        schema.update(field.json_schema_extra if isinstance(field.json_schema_extra, dict) else {})

    return change


def overrides(forms: dict[str, Form], parameters: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """What filled-in forms change in `parameters`; a field filled in with the present value changes nothing."""
    changes: dict[str, dict[str, Any]] = {}
    for section, form in forms.items():
        filled = form.model_dump(mode="json")
        present = parameters.get(section) or {}
        if changed := {key: value for key, value in filled.items() if present.get(key) != value}:
            changes[section] = changed
    return changes
