"""Stage export: the student in every form it is used in, checked against the model in memory."""

from pydantic import Field

from tasks.section import Section, name_from


class Params(Section):
    """Which forms."""

    targets: list[name_from("export/targets")] = Field(description="forms to write, in order")  # type: ignore[valid-type]
    check_sentences: int = Field(256, ge=1, description="held-out sentences each form must reproduce")


def run(params) -> None:
    raise NotImplementedError


if __name__ == "__main__":
    from tasks.stage import main

    main(run, "export")
