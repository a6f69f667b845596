"""Stage teacher: the model to compress, in one folder with its sentence-transformers modules."""

from pathlib import Path
from typing import TYPE_CHECKING

from headshrink.parameters.section import GENERATED
from headshrink.parameters.teacher import TeacherParams

if TYPE_CHECKING:
    from headshrink.teacher import Teacher


def run(teacher: TeacherParams) -> None:
    """Read the teacher's source (for `generated`, artifacts/corpus/train.parquet); write artifacts/teacher."""
    from headshrink.output import new_folder
    from headshrink.teacher import open_mlm_head, read_licence, write_teacher
    from tasks.stage import ARTIFACTS

    found = open_teacher(teacher)
    encoder, origin = found.encoder, found.folder
    passed_on = (read_licence(origin), open_mlm_head(origin, encoder.backbone)) if origin else ()
    with new_folder(ARTIFACTS / "teacher") as folder:
        write_teacher(encoder, folder, found.label, teacher.source, found.revision, *passed_on)


def open_teacher(teacher: TeacherParams) -> "Teacher":
    """The chosen source's teacher."""
    from headshrink.teacher import SOURCES, Teacher

    if teacher.source == GENERATED:
        from demo.teacher import train_teacher

        pairs = training_pairs(Path(teacher.path) / "train.parquet")
        return Teacher(train_teacher(pairs, teacher.steps, teacher.seed), GENERATED)
    return SOURCES[teacher.source](teacher)


def training_pairs(path: Path) -> list[tuple[str, str]]:
    """(English, Russian) pairs of the corpus stage."""
    import pandas as pd

    table = pd.read_parquet(path, columns=["en", "ru"])
    return list(zip(table["en"], table["ru"], strict=True))


if __name__ == "__main__":
    from tasks.stage import main

    main(run, "teacher", "teacher")
