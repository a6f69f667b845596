"""What every section of params.yaml shares: no unknown keys, and names that come from files of the library."""

from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

LIBRARY = Path(__file__).resolve().parent.parent / "headshrink"
NOTHING = "profiles/none"


class Section(BaseModel):
    """One section of params.yaml. Unknown keys are errors: a misspelt key must not silently mean the default."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)


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
