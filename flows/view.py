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
AGAINST_RATIO = ("student.mean_s", "student.weights_mb", "student.time_ratio_b1")  # quality, size, latency
CURVES = (f"{CURVE_PREFIX}heldout_cosine", f"{CURVE_PREFIX}loss")
CHARTS_PER_ROW, CHART_HEIGHT = 2, 300  # in pixels; with the UI's three a title is cut off in a window 1280 wide


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
        {**chart(key, "ratio"), "type": "SCATTER", "xaxis": axis(RATIO, "PARAM"), "yaxis": axis(key, "METRIC")}
        for key in AGAINST_RATIO
    ]
    charts += [
        {**chart(key, "training"), "type": "LINE", "metricKey": key, "selectedMetricKeys": [key]} for key in CURVES
    ]
    return {
        "selectedColumns": list(COLUMNS),
        "columnOrder": list(COLUMNS),
        "compareRunCharts": charts,
        "compareRunSections": [section("ratio", "Against the prune ratio"), section("training", "Training")],
        "isAccordionReordered": True,
    }


def chart(key: str, place: str) -> dict[str, Any]:
    return {"uuid": key, "metricSectionId": place, "runsCountToCompare": 100, "deleted": False, "isGenerated": False}


def axis(key: str, kind: str) -> dict[str, str]:
    return {"key": key, "type": kind}


def section(place: str, title: str) -> dict[str, Any]:
    shown = {"display": True, "isReordered": True, "deleted": False, "isGenerated": False}
    return {"uuid": place, "name": title, "columns": CHARTS_PER_ROW, "cardHeight": CHART_HEIGHT} | shown
