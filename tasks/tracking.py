"""Where the MLflow runs of this checkout go; read by the training stage's live curve and by flows.track."""

import fcntl
import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mlflow import MlflowClient

WORK = ".work"
PATIENCE = {"MLFLOW_HTTP_REQUEST_TIMEOUT": "5", "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1"}  # not for minutes
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
    return os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{main}/mlflow.db"


def connect(main: Path, experiment: str) -> "tuple[MlflowClient, str]":
    """A client and the id of the experiment, created where it is missing.

    One process at a time: MLflow's first opening of a fresh SQLite database fails for all of several at once.
    Raises what MLflow raises where the server is down, after seconds and not the minutes of its default.
    """
    for name, value in {**PATIENCE, "DO_NOT_TRACK": "true", "MLFLOW_DISABLE_TELEMETRY": "true"}.items():
        os.environ.setdefault(name, value)
    from mlflow import MlflowClient

    (main / WORK).mkdir(exist_ok=True)
    with open(main / WORK / "mlflow.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        client = MlflowClient(tracking_uri(main))
        found: Any = client.get_experiment_by_name(experiment)
        if found:
            return client, found.experiment_id
        artifacts = f"file://{main}/mlruns" if tracking_uri(main).startswith("sqlite:") else None
        return client, client.create_experiment(experiment, artifact_location=artifacts, tags=KIND)


if __name__ == "__main__":
    print(tracking_uri(main_checkout(Path.cwd())))
