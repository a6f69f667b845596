"""Parameters of the section `suite`."""

from typing import Literal

from pydantic import Field, field_validator
from pydantic_core.core_schema import ValidationInfo

from headshrink.parameters.section import NOTHING, Section, only_for


class SuiteParams(Section):
    """Where the benchmark's ten data sets come from."""

    kind_key = "source"

    source: Literal["generated", "folder", "git", "installed"] = Field(
        description="generated: the demo suite; folder: encodechka's data files; git: a clone of avidale/encodechka; "
        "installed: the encodechka_eval package"
    )
    path: str = Field(
        NOTHING,
        validate_default=True,
        description="folder with encodechka's data files",
        json_schema_extra=only_for("folder"),
    )
    revision: str = Field(
        "5e70bca",
        pattern="^[0-9a-f]{7,40}$",
        description="commit of avidale/encodechka; the default is the commit whose protocol is implemented here",
        json_schema_extra=only_for("git"),
    )

    @field_validator("path")
    @classmethod
    def folder_has_a_path(cls, path: str, info: ValidationInfo) -> str:
        if info.data.get("source") == "folder" and path == NOTHING:
            raise ValueError("source folder needs the path of a folder with encodechka's data files")
        return path
