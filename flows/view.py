"""The view of the results that MLflow's UI opens with: its columns, and charts against the prune ratio.

MLflow 3 keeps a shared view as a tag of the experiment, `mlflow.sharedViewState.KEY`, and opens it by an address with
that key. The UI's source is the only description of the content; what it does not know it leaves out.
"""

import json
from typing import TYPE_CHECKING, Any

from flows.figures import CURVE_PREFIX, SHARE

if TYPE_CHECKING:
    from mlflow import MlflowClient

KEY = "results"
TAG = f"mlflow.sharedViewState.{KEY}"
RATIO = "prune.ratio"
COLUMNS = (
    f"params.`{RATIO}`",
    *(f"metrics.`{name}`" for name in ("student.mean_s", "student.mean_sw", SHARE, "student.weights_mb")),
    *(f"metrics.`{name}`" for name in ("student.time_ratio_b1", "teacher.mean_s")),
    "tags.`corpus`",
)
AGAINST_RATIO = {
    "student.mean_s": "Quality: mean S against the ratio cut",
    "student.weights_mb": "Size: weights in MB against the ratio cut",
    "student.time_ratio_b1": "Latency: share of the teacher's against the ratio cut",
}
CURVES = {"heldout_cosine": "Held-out cosine to the teacher", "loss": "Training loss"}


def address(ui: str, experiment: str, charts: bool = False) -> str:
    """The address that opens the view, as a table or as charts. Without the workflow a browser opens on traces."""
    mode = "&compareRunsMode=CHART" if charts else ""
    return f"{ui}/#/experiments/{experiment}/runs?viewStateShareKey={KEY}&workflowType=machine_learning{mode}"


def run_address(ui: str, experiment: str, run: str) -> str:
    return f"{ui}/#/experiments/{experiment}/runs/{run}?workflowType=machine_learning"


def report_address(ui: str, experiment: str, run: str) -> str:
    """The page of the report as MLflow's UI shows it among the run's files."""
    return f"{ui}/#/experiments/{experiment}/runs/{run}/artifacts/report/report.html?workflowType=machine_learning"


def save(client: "MlflowClient", experiment: str) -> None:
    """Write the view into the experiment where it is missing or of another version."""
    content = json.dumps(content_of_view(), separators=(",", ":"))
    if client.get_experiment(experiment).tags.get(TAG) != content:
        client.set_experiment_tag(experiment, TAG, content)


def content_of_view() -> dict[str, Any]:
    charts = [
        {**chart(key, title, "ratio"), "type": "SCATTER", "xaxis": axis(RATIO, "PARAM"), "yaxis": axis(key, "METRIC")}
        for key, title in AGAINST_RATIO.items()
    ]
    charts += [
        {**chart(f"{CURVE_PREFIX}{key}", title, "training"), "type": "LINE", "metricKey": f"{CURVE_PREFIX}{key}"}
        | {"selectedMetricKeys": [f"{CURVE_PREFIX}{key}"]}
        for key, title in CURVES.items()
    ]
    return {
        "selectedColumns": list(COLUMNS),
        "columnOrder": list(COLUMNS),
        "compareRunCharts": charts,
        "compareRunSections": [section("ratio", "Against the prune ratio"), section("training", "Training")],
        "isAccordionReordered": True,
    }


def chart(key: str, title: str, place: str) -> dict[str, Any]:
    shown = {"displayName": title, "runsCountToCompare": 100, "deleted": False, "isGenerated": False}
    return {"uuid": key, "metricSectionId": place} | shown


def axis(key: str, kind: str) -> dict[str, str]:
    return {"key": key, "type": kind}


def section(place: str, title: str) -> dict[str, Any]:
    return {"uuid": place, "name": title, "display": True, "isReordered": True, "deleted": False, "isGenerated": False}
