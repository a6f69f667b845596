"""Stage teacher: the model to compress, in one folder with its sentence-transformers modules."""

from pathlib import Path
from typing import Any

from headshrink.parameters.teacher import TeacherParams


def run(teacher: TeacherParams) -> None:
    """Read the teacher's source (for `generated`, artifacts/corpus/train.parquet); write artifacts/teacher."""
    from headshrink.output import new_folder
    from headshrink.teacher import SOURCES, open_mlm_head, read_licence, write_teacher
    from tasks.stage import ARTIFACTS

    encoder = SOURCES[teacher.source](**arguments(teacher))
    labels = {"hub": teacher.hub_id or "", "folder": Path(teacher.path).resolve().name, "generated": "generated"}
    label = labels[teacher.source]
    revision = teacher.hub_revision if teacher.source == "hub" else None
    origin = origin_of(teacher)  # a generated teacher has neither licence nor head to pass on
    passed_on = (read_licence(origin), open_mlm_head(origin, encoder.backbone)) if origin else ()
    with new_folder(ARTIFACTS / "teacher") as folder:
        write_teacher(encoder, folder, label, teacher.source, revision, *passed_on)


def arguments(teacher: TeacherParams) -> dict[str, Any]:
    """What the chosen source is called with."""
    if teacher.source == "folder":
        return {"path": teacher.path, "allow_pickle": teacher.allow_pickle}
    if teacher.source == "hub":
        return {"hub_id": teacher.hub_id, "revision": teacher.hub_revision, "allow_pickle": teacher.allow_pickle}
    return {"pairs": training_pairs(Path(teacher.path) / "train.parquet"), "steps": teacher.steps, "seed": teacher.seed}


def origin_of(teacher: TeacherParams) -> Path | None:
    """The folder that the teacher came in, its card with it; None for a generated one."""
    from headshrink.teacher import fetch

    if teacher.hub_id and teacher.hub_revision and teacher.source == "hub":
        return fetch(teacher.hub_id, teacher.hub_revision, ["README.md"])  # the rest is in the same folder by now
    return Path(teacher.path) if teacher.source == "folder" else None


def training_pairs(path: Path) -> list[tuple[str, str]]:
    """(English, Russian) pairs of the corpus stage."""
    import pandas as pd

    table = pd.read_parquet(path, columns=["en", "ru"])
    return list(zip(table["en"], table["ru"], strict=True))


if __name__ == "__main__":
    from tasks.stage import main

    main(run, "teacher", "teacher")
