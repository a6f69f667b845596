"""A finished result in MLflow and on Prefect's pages: ten rows of figures, the report, links to MLflow's pages."""

import re
import sys
from pathlib import Path
from typing import Any
from uuid import UUID

from prefect import get_run_logger, task
from prefect.artifacts import create_link_artifact, create_markdown_artifact, create_table_artifact
from prefect.client.orchestration import get_client
from prefect.runtime import flow_run

from flows import figures
from flows.repro import child_environment
from flows.supervise import Supervised
from flows.track import LABELS, LINK, read_lock, read_params, training_name

IMAGE = re.compile(r"!\[([^\]]*)\]\(([^)]*)\)")
NEEDS_UI = "`make mlflow` serves it"  # a link to a page of this machine's MLflow


@task(task_run_name="mlflow")
def track(folder: Path) -> dict[str, str]:
    """Log the result to MLflow in a child process; addresses of its pages by name, none where MLflow did not take it.

    A tracking server that is down is a warning there.
    """
    command = [sys.executable, "-m", "flows.track", str(folder)]
    child = Supervised([*command, *prefect_option()], Path.cwd(), child_environment())
    links = {}
    for line in child:
        get_run_logger().info(line)
        if found := LINK.fullmatch(line):
            links[found["name"]] = found["address"]
    if child.status:
        get_run_logger().warning("the result is not in MLflow; `python -m flows.track` logs it")
    return links


def prefect_option() -> list[str]:
    """The option that tells flows.track the page of this flow run; nothing outside of one."""
    address = flow_run.ui_url
    return ["--prefect", address] if address else []


def publish(folder: Path, links: dict[str, str]) -> None:
    """Tags, and the table, markdown and link artifacts of the result in `folder`; what it does not have is left out."""
    if flow_run.id:
        add_tags(UUID(flow_run.id), tags(folder))
    if rows := figures.comparison(folder):
        create_table_artifact(rows, key="student-and-teacher", description="Quality and cost of the last result")
    report = folder / "artifacts" / "report"
    if (report / "report.md").is_file():
        text = (report / "report.md").read_text(encoding="utf-8")
        create_markdown_artifact(IMAGE.sub(_picture_link(report), text), key="report", description="The report")
    for name, address in links.items():
        about = f"MLflow's page of the {name}; {NEEDS_UI}"
        create_link_artifact(address, link_text=f"{name} in MLflow", key=f"mlflow-{name}", description=about)


def tags(folder: Path) -> list[str]:
    """What tells a flow run from another in a list: how much was cut, and the labels of its data."""
    labels = [figures.read(folder / path).get("label") for path in LABELS.values()]
    return [training_name(read_params(read_lock(folder))), *(str(label) for label in labels if label)]


def add_tags(run: UUID, names: list[str]) -> None:
    """Add tags to a flow run, which keeps those that it has."""
    with get_client(sync_client=True) as client:
        client.update_flow_run(run, tags=list(dict.fromkeys([*client.read_flow_run(run).tags, *names])))


def _picture_link(report: Path) -> Any:
    """Prefect cannot show a local picture: name its file instead."""
    return lambda match: f"*{match[1] or 'picture'}: {(report / match[2]).resolve()}*"
