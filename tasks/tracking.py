"""Where the MLflow runs of this checkout go; read by the training stage's live curve and by flows.track."""

import fcntl
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote, urlsplit, urlunsplit

if TYPE_CHECKING:
    from mlflow import MlflowClient

WORK = ".work"
UI_NOTE = "mlflow.url"  # under .work: the address of a running `make mlflow`
UI_PORT = 5000  # of `make mlflow`, unless told otherwise
PATIENCE = {"MLFLOW_HTTP_REQUEST_TIMEOUT": "5", "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1"}  # not for minutes
ESCAPED = "sqlite+pysqlite:///file:"
KIND = {"mlflow.experimentKind": "custom_model_development"}  # MLflow's UI opens on the runs, not on traces of agents


def main_checkout(folder: Path) -> Path:
    """The main checkout that `folder` belongs to, also from one of its worktrees; `folder` itself without git."""
    command = ["git", "rev-parse", "--path-format=absolute", "--git-common-dir"]
    try:
        shared = Path(subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True).stdout.strip())
    except (OSError, subprocess.CalledProcessError):
        return folder.resolve()
    return shared.parent if shared.name == ".git" else folder.resolve()


def tracking_uri(main: Path) -> str:
    """MLFLOW_TRACKING_URI, else one SQLite database in the main checkout, also for runs in its worktrees."""
    return os.environ.get("MLFLOW_TRACKING_URI") or sqlite_uri(main / "mlflow.db")


def ui_address(main: Path) -> str:
    """Where a browser finds the runs: the tracking server itself, else where `make mlflow` serves this checkout's.

    Without the name and password of a server: the address is printed and shown on Prefect's pages.
    """
    uri = tracking_uri(main)
    if uri.startswith(("http://", "https://")):
        server = urlsplit(uri)
        return urlunsplit((server.scheme, server.netloc.rpartition("@")[2], server.path.rstrip("/"), "", ""))
    try:
        return (main / WORK / UI_NOTE).read_text(encoding="utf-8").strip()
    except OSError:
        return f"http://127.0.0.1:{UI_PORT}"


def sqlite_uri(path: Path) -> str:
    """SQLAlchemy's address of an SQLite file.

    SQLAlchemy reads a path up to the first `?` and knows no escape there; SQLite itself reads an escaped file: path.
    With the driver's name in it MLflow does not take that address for a path whose folders it should make.
    """
    return f"{ESCAPED}{quote(str(path))}?uri=true" if "?" in str(path) else f"sqlite:///{path}"


def sqlite_path(uri: str) -> Path | None:
    """The file of an address as `sqlite_uri` makes it; None for any other tracking server."""
    if uri.startswith(ESCAPED):
        return Path(unquote(uri.removeprefix(ESCAPED).partition("?")[0]))
    return Path(uri.removeprefix("sqlite:///")) if uri.startswith("sqlite:///") else None


def cut_name(kind: str, prune: Mapping[str, Any]) -> str:
    """What tells trainings apart in a list: the student's kind where it is not the cut model, else how much was cut.

    `prune` holds the keys of the parameters' section: numbers, or their text as MLflow has it.
    """
    if kind != "pruned":
        return kind
    budget = prune.get("budget")
    if budget in (None, "None"):
        return f"ratio {prune.get('ratio', '?')}"
    return f"{prune.get('budget_share', '?')} of the {budget}"


def connect(main: Path, experiment: str) -> "tuple[MlflowClient, str]":
    """A client and the id of the experiment, created where it is missing.

    One process at a time: MLflow's first opening of a fresh SQLite database fails for all of several at once.
    Raises what MLflow raises where the server is down, after seconds and not the minutes of its default.
    """
    quiet = {"DO_NOT_TRACK": "true", "MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_LOGGING_LEVEL": "WARNING"}
    for name, value in {**PATIENCE, **quiet}.items():
        os.environ.setdefault(name, value)
    from mlflow import MlflowClient

    (main / WORK).mkdir(exist_ok=True)
    with open(main / WORK / "mlflow.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        client = MlflowClient(tracking_uri(main))
        found: Any = client.get_experiment_by_name(experiment)
        if found:
            return client, found.experiment_id
        artifacts = (main / "mlruns").as_uri() if sqlite_path(tracking_uri(main)) else None
        return client, client.create_experiment(experiment, artifact_location=artifacts, tags=KIND)
