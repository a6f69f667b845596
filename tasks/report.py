"""Stage report: report.md and report.html from the metrics that other stages wrote."""

from pydantic import Field

from tasks.section import Section


class Colours(Section):
    """Plot colours, any that matplotlib knows."""

    teacher: str = "#4c566a"
    pruned: str = "#d08770"
    student: str = "#2e7d6b"


class Params(Section):
    """How results look."""

    title: str = Field(description="heading of the report")
    colours: Colours = Field(default_factory=Colours)


def run(params) -> None:
    raise NotImplementedError


if __name__ == "__main__":
    from tasks.stage import main

    main(run, "report")
