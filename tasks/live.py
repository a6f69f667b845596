"""A training's curve in MLflow while it runs, which can neither fail the training nor hold it up."""

import math
import queue
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from headshrink.errors import first_line
from headshrink.escape import visible
from headshrink.redact import redacted
from tasks.tracking import connect, main_checkout, tracking_uri

EXPERIMENT = "headshrink-live"  # apart from the results, which are one run each: flows.track logs them
SECONDS_TO_FINISH = 10.0
FOLDER = "folder"  # tag: where the training runs


def end_dead_runs(client: Any, experiment: str) -> None:
    """Mark the runs of this folder that are still running as killed: a folder has one training at a time."""
    for run in client.search_runs([experiment], "attributes.status = 'RUNNING'"):
        if run.data.tags.get(FOLDER) == str(Path.cwd()):
            client.set_terminated(run.info.run_id, "KILLED")


class LiveCurve:
    """A context manager whose `row` sends one row of a curve to MLflow.

    A thread of its own does the sending, so a slow server costs the training nothing. The first failure is one warning
    and the end of it: the stage writes its curve as CSV in any case, and that is what results are logged from.
    """

    def __init__(self, name: str, parameters: Mapping[str, Any]) -> None:
        self._rows: queue.SimpleQueue[Mapping[str, float | None] | None] = queue.SimpleQueue()
        self._status = "KILLED"
        self._thread = threading.Thread(target=self._send, args=(name, dict(parameters)), daemon=True)

    def __enter__(self) -> "LiveCurve":
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._status = "FINISHED" if kind is None else "FAILED" if issubclass(kind, Exception) else "KILLED"
        self._rows.put(None)
        self._thread.join(SECONDS_TO_FINISH)

    def row(self, row: Mapping[str, float | None]) -> None:
        """Send `row`: `step` and any other columns; those that are None or not finite are left out."""
        self._rows.put(row)

    def _send(self, name: str, parameters: dict[str, Any]) -> None:
        main = main_checkout(Path.cwd())
        try:
            client, experiment = connect(main, EXPERIMENT)
            end_dead_runs(client, experiment)
            run = client.create_run(experiment, run_name=name, tags={FOLDER: str(Path.cwd())}).info.run_id
            for key, value in parameters.items():
                client.log_param(run, key, redacted(str(value)))
            while (row := self._rows.get()) is not None:
                self._send_row(client, run, row)
            client.set_terminated(run, self._status)
        except Exception as error:  # whatever MLflow, its database or the network raise
            reason = first_line(error) or type(error).__name__
            warning = f"warning: no live curve in MLflow ({tracking_uri(main)}): {reason}"
            print(visible(redacted(warning)), file=sys.stderr, flush=True)

    def _send_row(self, client: Any, run: str, row: Mapping[str, float | None]) -> None:
        from mlflow.entities import Metric

        now = int(time.time() * 1000)
        cells = {key: value for key, value in row.items() if key != "step" and value is not None}
        known = [Metric(key, value, now, int(row["step"] or 0)) for key, value in cells.items() if math.isfinite(value)]
        client.log_batch(run, known)
