"""Stage report: report.md and report.html from the metrics that other stages wrote."""

from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from tasks.section import Section
from tasks.yaml_file import dump

Colour = Annotated[str, Field(pattern="^#[0-9a-fA-F]{6}$")]  # the same in a plot and on the page


class Colours(Section):
    """Colours of the models in plots, as #rrggbb."""

    teacher: Colour = "#4c566a"
    pruned: Colour = "#d08770"
    student: Colour = "#2e7d6b"


class Params(Section):
    """How results look."""

    title: str = Field(max_length=200, description="heading of the report")
    colours: Colours = Field(default_factory=Colours)


def run(params) -> None:
    from headshrink.output import new_folder
    from headshrink.redact import redacted
    from headshrink.report import read_results, write_report
    from tasks.stage import ARTIFACTS

    parameters = redacted(dump(without_places(params.model_dump())))
    with new_folder(ARTIFACTS / "report") as folder:
        write_report(
            read_results(ARTIFACTS), folder, params.report.title, params.report.colours.model_dump(), parameters
        )


def without_places(parameters: dict[str, Any]) -> dict[str, Any]:
    """The parameters with local folders by name alone: a report is for others, who have them elsewhere."""
    for section in ("suite", "corpus", "teacher"):
        path = Path(parameters[section]["path"])
        if path.is_absolute():
            parameters[section]["path"] = f".../{path.name}"
    return parameters


if __name__ == "__main__":
    from tasks.stage import main

    main(run, "report", "report")
