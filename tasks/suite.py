"""Parameters of the benchmark's data; the corpus stage writes it, because its sentences must leave the corpus."""

import tempfile
from pathlib import Path
from typing import Literal

from pydantic import Field, field_validator
from pydantic_core.core_schema import ValidationInfo

from tasks.section import NOTHING, Section, only_for


class Params(Section):
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


def write_suite(params: Params, folder: Path) -> None:
    """Put the suite's files and suite.json into a folder."""
    from headshrink.corpus import suite

    if params.source == "generated":
        from demo.suite import write_demo_suite

        write_demo_suite(folder, seed=0)
    elif params.source == "folder":
        suite.copy_suite(Path(params.path), folder)
    elif params.source == "installed":
        suite.copy_suite(suite.installed_suite(), folder)
    else:
        with tempfile.TemporaryDirectory(dir=folder) as clone:
            suite.copy_suite(suite.clone_suite(params.revision, Path(clone)), folder)
    origin = Path(params.path).name if params.source == "folder" else params.source
    suite.write_description(folder, origin, generated=params.source == "generated")
