"""Teachers: where the model to compress comes from (one file a source), and the one folder each of them becomes."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from headshrink.teacher._base import Teacher
from headshrink.teacher._licence import read_licence
from headshrink.teacher._write import write_teacher
from headshrink.teacher.folder import open_folder, open_mlm_head
from headshrink.teacher.hub import download, fetch

# From the section `teacher` of the parameters.
SOURCES: dict[str, Callable[[Any], Teacher]] = {
    "folder": lambda params: Teacher(
        open_folder(params.path, params.allow_pickle), Path(params.path).resolve().name, Path(params.path)
    ),
    "hub": lambda params: Teacher(
        download(params.hub_id, params.hub_revision, params.allow_pickle),
        params.hub_id,
        fetch(params.hub_id, params.hub_revision, ["README.md"]),
        params.hub_revision,
    ),
}

__all__ = [
    "SOURCES",
    "Teacher",
    "download",
    "fetch",
    "open_folder",
    "open_mlm_head",
    "read_licence",
    "write_teacher",
]
