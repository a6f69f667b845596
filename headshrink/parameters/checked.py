"""Values made into parameters: a mistake is one line with the key, its value and what is allowed."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from headshrink.errors import HeadshrinkError
from headshrink.escape import short

Model = TypeVar("Model", bound=BaseModel)


def checked(model: type[Model], values: Mapping[str, Any]) -> Model:
    """Parameters from values by name; HeadshrinkError in one line for a name or a value that is not allowed."""
    settings = {name: as_plain(value) for name, value in values.items()}
    try:
        return model.model_validate(settings)
    except ValidationError as error:
        raise HeadshrinkError(explain(error, settings, model)) from error


def as_plain(value: Any) -> Any:
    """The value as YAML could hold it: lists for tuples, mappings for sections, text for paths."""
    if isinstance(value, BaseModel):
        return value.model_dump(exclude_unset=True)
    if isinstance(value, Mapping):
        return {key: as_plain(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [as_plain(part) for part in value]
    return str(value) if isinstance(value, Path) else value


def explain(error: ValidationError, parameters: Any, model: type[BaseModel]) -> str:
    """The first problem that validation of `model` found in parameters, in one line."""
    first = error.errors()[0]
    where = ".".join(short(str(part)) for part in keys_of(first["loc"], parameters, model))
    if first["type"] == "extra_forbidden":
        return f"{where}: unknown key; allowed: {', '.join(allowed_keys(first['loc'][:-1], model))}"
    if first["type"] == "missing":
        return f"{'.'.join(map(str, first['loc']))}: missing key; every profile in profiles/ shows it"
    message = first["msg"].removeprefix("Value error, ")
    if first["type"] == "value_error" and isinstance(first["input"], dict) and where:  # a rule on keys of one section
        return f"{where}.{message}"
    return f"{where} = {short(repr(first['input']))}: {message}" if where else message


def keys_of(place: tuple[int | str, ...], parameters: Any, model: Any) -> list[int | str]:
    """The keys of a place, without pydantic's names for alternatives of a type.

    A key is one that the parameters hold, or a parameter that they leave out.
    """
    keys: list[int | str] = []
    for part in place:
        inside: dict[Any, Any] = parameters if isinstance(parameters, dict) else {}
        if isinstance(parameters, list):
            inside = dict(enumerate(parameters))
        field = getattr(model, "model_fields", {}).get(part)
        if part in inside or field:
            keys.append(part)
            parameters, model = inside.get(part), field.annotation if field else None
    return keys


def allowed_keys(place: tuple[int | str, ...], model: type[BaseModel]) -> list[str]:
    """The keys of the section at a place in the parameters; of its nearest known section where it is nested deeper."""
    for part in place:
        field = model.model_fields.get(str(part))
        if field and isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            model = field.annotation
    return list(model.model_fields)
