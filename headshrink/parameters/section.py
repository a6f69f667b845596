"""What every section of params.yaml shares: no unknown keys, and names that come from files of the library."""

from pathlib import Path
from typing import Annotated, Any, ClassVar, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator
from pydantic.config import JsonDict
from pydantic.fields import FieldInfo

from headshrink.escape import short

LIBRARY = Path(__file__).resolve().parent.parent
NOTHING = "profiles/none"
GENERATED = "generated"  # the kind that the package demo makes, beside those of the library
MAX_BATCH = 16_384  # sentences or pairs
Seed = Annotated[int, Field(ge=0, le=2**31 - 1)]  # seeds of parts of a run are this and a little more


class Section(BaseModel):
    """One section of params.yaml. Unknown keys are errors: a misspelt key must not silently mean the default.

    Values have the type that is asked for: `true` is no number and "64" in quotes is text. A number has both bounds.
    `kind_key` names the parameter whose value decides which others have a meaning (see `only_for`).
    """

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False, strict=True)
    kind_key: ClassVar[str] = ""

    @model_validator(mode="after")
    def keys_belong_to_the_kind(self) -> Self:
        """A key of another kind would be ignored; null and the path that stands for none are no keys in this sense."""
        fields, kind = type(self).model_fields, getattr(self, self.kind_key, "")
        for name in self.model_fields_set:
            if (kinds := kinds_of(fields[name])) and kind not in kinds and getattr(self, name) not in (None, NOTHING):
                own = [key for key, field in fields.items() if kind in kinds_of(field)]
                keys = f"its keys are {', '.join(own)}" if own else "it has no keys of its own"
                raise ValueError(f"{name} has no meaning with {self.kind_key} {kind}: {keys}")
        return self


def only_for(*kinds: str) -> JsonDict:
    """Marks a parameter that has a meaning for some kinds alone: `Field(..., json_schema_extra=only_for("hub"))`."""
    return {"only_for": list(kinds)}


def kinds_of(field: FieldInfo) -> list[str]:
    """The kinds for which a parameter has a meaning; empty for all kinds."""
    extra = field.json_schema_extra if isinstance(field.json_schema_extra, dict) else {}
    return [str(kind) for kind in kinds] if isinstance(kinds := extra.get("only_for"), list) else []


def once_each(values: list[Any]) -> list[Any]:
    """The list; ValueError where a value is in it twice."""
    twice = [value for i, value in enumerate(values) if value in values[:i]]
    if twice:
        raise ValueError(f"{short(str(twice[0]))} is there twice; name each once")
    return values


Once = AfterValidator(once_each)


def given_path(path: str) -> Path | None:
    """A path parameter, None where it stands for no path."""
    return None if path == NOTHING else Path(path)


def names_in(package: str) -> list[str]:
    """The names a registry package of the library offers, from its files: known without importing torch."""
    return sorted(file.stem for file in (LIBRARY / package).glob("*.py") if not file.stem.startswith("_"))


def name_from(package: str, *others: str) -> Any:
    """The type of a parameter that names one file of a registry package, e.g. name_from("importance/criteria").

    `others` are names that no file of the package has.
    """

    def names() -> list[str]:
        return sorted([*names_in(package), *others])

    def check(name: str) -> str:
        if name not in names():
            raise ValueError(f"allowed: {', '.join(names())}")
        return name

    return Annotated[str, AfterValidator(check), Field(json_schema_extra={"enum": [*names()]})]
