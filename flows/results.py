"""A finished result on Prefect's pages: student against teacher, the report, a link; and in MLflow."""

import json
import re
import sys
from pathlib import Path
from typing import Any

from prefect import get_run_logger, task
from prefect.artifacts import create_link_artifact, create_markdown_artifact, create_table_artifact

from flows.repro import child_environment
from flows.supervise import Supervised

MODELS = ("teacher", "pruned", "student", "static")
IMAGE = re.compile(r"!\[([^\]]*)\]\(([^)]*)\)")


@task(task_run_name="mlflow")
def track(folder: Path) -> None:
    """Log the result to MLflow in a child process; a tracking server that is down is a warning there."""
    child = Supervised([sys.executable, "-m", "flows.track", str(folder)], Path.cwd(), child_environment())
    for line in child:
        get_run_logger().info(line)
    if child.status:
        get_run_logger().warning("the result is not in MLflow; `python -m flows.track` logs it")


def publish(folder: Path) -> None:
    """Table, markdown and link artifacts of the result in `folder`; what it does not have is left out."""
    if rows := comparison(folder):
        create_table_artifact(rows, key="student-and-teacher", description="Quality and cost of the last result")
    report = folder / "artifacts" / "report"
    if (report / "report.md").is_file():
        text = (report / "report.md").read_text(encoding="utf-8")
        create_markdown_artifact(IMAGE.sub(_picture_link(report), text), key="report", description="The report")
    if (report / "report.html").is_file():
        page = (report / "report.html").resolve()
        about = "The report, with pictures"
        create_link_artifact(page.as_uri(), link_text=str(page), key="report-html", description=about)


def _picture_link(report: Path) -> Any:
    """Prefect cannot show a local picture: name its file instead."""
    return lambda match: f"*{match[1] or 'picture'}: {(report / match[2]).resolve()}*"


def comparison(folder: Path) -> list[dict[str, Any]]:
    """One row a measure, one column a model, from quality.json and cost.json."""
    rows: list[dict[str, Any]] = []
    for name in ("quality.json", "cost.json"):
        path = folder / "artifacts" / "benchmark" / name
        measured = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
        models = [model for model in MODELS if isinstance(measured.get(model), dict)]
        measures = dict.fromkeys(key for model in models for key, value in measured[model].items() if _is_number(value))
        rows += [{"measure": key} | {model: measured[model].get(key) for model in models} for key in measures]
    return rows


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
