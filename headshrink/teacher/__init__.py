"""Teachers: where the model to compress comes from (one file a source), and the one folder each of them becomes."""

from collections.abc import Callable
from pathlib import Path

from headshrink.parameters.teacher import TeacherParams
from headshrink.teacher._base import Teacher
from headshrink.teacher._licence import read_licence
from headshrink.teacher._write import write_teacher
from headshrink.teacher.folder import open_folder, open_mlm_head
from headshrink.teacher.hub import download, fetch


def from_hub(hub_id: str, revision: str, allow_pickle: bool) -> Teacher:
    """A model of the hub, with its card, which states the licence."""
    encoder = download(hub_id, revision, allow_pickle)
    return Teacher(encoder, hub_id, fetch(hub_id, revision, ["README.md"]), revision)


# From the section `teacher` of the parameters.
SOURCES: dict[str, Callable[[TeacherParams], Teacher]] = {
    "folder": lambda params: Teacher(
        open_folder(params.path, params.allow_pickle), Path(params.path).resolve().name, Path(params.path)
    ),
    "hub": lambda params: from_hub(params.hub_id or "", params.hub_revision or "", params.allow_pickle),
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
