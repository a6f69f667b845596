"""Stage report: report.md and report.html from the metrics that other stages wrote."""

from pathlib import Path
from typing import Any

from pydantic import BaseModel

from headshrink.parameters.report import ReportParams
from tasks.yaml_file import dump


def run(report: ReportParams, **others: BaseModel) -> None:
    """Read what the stages wrote; write artifacts/report, which prints the parameters of all sections."""
    from headshrink.output import new_folder
    from headshrink.redact import redacted
    from headshrink.report import read_results, write_report
    from tasks.stage import ARTIFACTS

    sections = {name: section.model_dump() for name, section in (others | {"report": report}).items()}
    parameters = redacted(dump(without_places(sections)))
    with new_folder(ARTIFACTS / "report") as folder:
        write_report(read_results(ARTIFACTS), folder, report.title, report.colours.model_dump(), parameters)


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
