"""Stage export: the student in every form it is used in, checked against the model in memory."""

from pydantic import Field

from tasks.section import Section, name_from


class Params(Section):
    """Which forms."""

    targets: list[name_from("export/targets")] = Field(min_length=1, description="forms to write, in order")  # type: ignore[valid-type]
    check_sentences: int = Field(256, ge=1, description="held-out sentences each form must reproduce")


def run(params) -> None:
    """Read artifacts/student/model and artifacts/corpus/heldout.parquet; write artifacts/export."""
    from headshrink.export import TARGETS, check_reload
    from headshrink.model import load_encoder
    from tasks.stage import ARTIFACTS, output

    student = load_encoder(ARTIFACTS / "student" / "model")
    sentences = heldout_sentences(params.export.check_sentences)
    expected = student.encode(sentences)
    with output(ARTIFACTS / "export", "export") as folder:
        for name in params.export.targets:
            target = TARGETS[name]
            target.write(student, folder / target.place)
            worst = check_reload(name, target.open(folder / target.place), sentences, expected)
            print(f"export: {name}: lowest cosine to the model in memory {worst:.6f}")


def heldout_sentences(count: int) -> list[str]:
    """The first held-out sentences, half English and half Russian; fewer where the corpus holds fewer."""
    import pandas as pd

    from tasks.stage import ARTIFACTS

    table = pd.read_parquet(ARTIFACTS / "corpus" / "heldout.parquet", columns=["en", "ru"]).head((count + 1) // 2)
    return [*table["en"], *table["ru"]][:count]


if __name__ == "__main__":
    from tasks.stage import main

    main(run, "export")
