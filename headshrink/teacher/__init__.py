"""Teachers: where the model to compress comes from (one file a source), and the one folder each of them becomes."""

from collections.abc import Callable

from headshrink.model import SentenceEncoder
from headshrink.teacher._licence import read_licence
from headshrink.teacher._write import write_teacher
from headshrink.teacher.folder import open_folder, open_mlm_head
from headshrink.teacher.generated import train_teacher
from headshrink.teacher.hub import download, fetch

SOURCES: dict[str, Callable[..., SentenceEncoder]] = {
    "folder": open_folder,
    "generated": train_teacher,
    "hub": download,
}

__all__ = [
    "SOURCES",
    "download",
    "fetch",
    "open_folder",
    "open_mlm_head",
    "read_licence",
    "train_teacher",
    "write_teacher",
]
