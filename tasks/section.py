"""What every section of params.yaml shares: no unknown keys, and names that come from files of the library."""

from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from headshrink.escape import short

LIBRARY = Path(__file__).resolve().parent.parent / "headshrink"
NOTHING = "profiles/none"
MAX_BATCH = 16_384  # sentences or pairs
Seed = Annotated[int, Field(ge=0, le=2**31 - 1)]  # seeds of parts of a run are this and a little more


class Section(BaseModel):
    """One section of params.yaml. Unknown keys are errors: a misspelt key must not silently mean the default.

    Values have the type that is asked for: `true` is no number and "64" in quotes is text. A number has both bounds.
    """

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False, strict=True)


def once_each(values: list[Any]) -> list[Any]:
    """The list; ValueError where a value is in it twice."""
    twice = [value for i, value in enumerate(values) if value in values[:i]]
    if twice:
        raise ValueError(f"{short(str(twice[0]))} is there twice; name each once")
    return values


Once = AfterValidator(once_each)


def names_in(package: str) -> list[str]:
    """The names a registry package of the library offers, from its files: known without importing torch."""
    return sorted(file.stem for file in (LIBRARY / package).glob("*.py") if not file.stem.startswith("_"))


def name_from(package: str) -> Any:
    """The type of a parameter that names one file of a registry package, e.g. name_from("importance/criteria")."""

    def check(name: str) -> str:
        if name not in names_in(package):
            raise ValueError(f"allowed: {', '.join(names_in(package))}")
        return name

    return Annotated[str, AfterValidator(check), Field(json_schema_extra={"enum": list(names_in(package))})]
