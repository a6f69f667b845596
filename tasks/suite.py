"""Parameters of the benchmark's data; the corpus stage writes it, because its sentences must leave the corpus."""

from typing import Literal

from pydantic import Field

from tasks.section import NOTHING, Section


class Params(Section):
    """Where the benchmark's ten data sets come from."""

    source: Literal["generated", "folder", "git", "installed"] = Field(
        description="generated: the demo suite; folder: encodechka's data files; git: a clone of avidale/encodechka; "
        "installed: the encodechka_eval package"
    )
    path: str = Field(NOTHING, description="folder: its path; profiles/none for the others")
    revision: str = Field("5e70bca", description="git: commit of avidale/encodechka; the protocol here is this one's")
