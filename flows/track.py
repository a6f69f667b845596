"""Log a finished result to MLflow from its files: `python -m flows.track [FOLDER]`.

From files and not from the stages, because a stage that DVC restores does not run. The same result is logged once.
"""

import argparse
import csv
import fcntl
import hashlib
import json
import math
import sqlite3
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from flows.checkout import FlowError, git
from flows.worktree import uncommitted_code
from headshrink.errors import HeadshrinkError
from headshrink.redact import redacted
from tasks.tracking import WORK, connect, main_checkout, tracking_uri

EXPERIMENT = "headshrink"
METRICS = {  # prefix in MLflow: file
    "": Path("artifacts/benchmark/quality.json"),
    "cost": Path("artifacts/benchmark/cost.json"),
    "speed": Path("artifacts/speed/speed.json"),
    "distill": Path("artifacts/student/metrics.json"),
}
SCORES = Path("artifacts/benchmark/scores.json")
CURVE = Path("artifacts/student/curve.csv")
LABELS = {  # tag: the JSON file whose `label` it is
    "corpus": Path("artifacts/corpus/counts.json"),
    "suite": Path("artifacts/suite/suite.json"),
    "teacher": Path("artifacts/teacher/teacher.json"),
}
FILES = (Path("artifacts/report"), Path("artifacts/importance/map.png"), CURVE, *METRICS.values(), Path("dvc.lock"))
BOUNDS = ("difference", "lower_95", "upper_95", "margin")
MACHINES = ("cost.machine", "speed.machine")  # what the timings were taken on is a tag
PARAMS_A_BATCH, METRICS_A_BATCH = 100, 1000  # MLflow's limits


class Untracked(HeadshrinkError):
    """A result that is whole, and that the tracking server did not take; a warning, never a failure."""


def track(folder: Path) -> str | None:
    """Log the result in `folder` as one MLflow run; its id, or None where it was logged before.

    Raises FlowError where `folder` holds no finished result, Untracked where MLflow does not take it.
    """
    main = main_checkout(folder)
    lock = read_lock(folder)
    identity = lock_hash(lock)
    check_files(folder, lock)
    (main / WORK).mkdir(exist_ok=True)
    with open(main / WORK / "track.lock", "w") as only_tracker:
        fcntl.flock(only_tracker, fcntl.LOCK_EX)
        if in_sqlite(tracking_uri(main), identity):  # without importing MLflow, which takes seconds
            return None
        try:
            return log_run(main, folder, lock, identity)
        except Exception as error:  # whatever MLflow, its database or the network raise
            raise Untracked(refusal(main, error)) from error


def read_lock(folder: Path) -> dict[str, Any]:
    """The stages of dvc.lock that dvc.yaml still has; FlowError where one has never run."""
    try:
        described = yaml.safe_load((folder / "dvc.yaml").read_text(encoding="utf-8"))["stages"]
        locked = yaml.safe_load((folder / "dvc.lock").read_text(encoding="utf-8"))["stages"]
    except OSError as error:
        raise FlowError(f"no result in {folder}: {error.strerror}: {error.filename}; `dvc repro` makes one") from error
    if missing := [name for name in described if name not in locked]:
        raise FlowError(f"no finished result in {folder}: {', '.join(missing)} never ran; `dvc repro` finishes it")
    return {name: locked[name] for name in described}


def lock_hash(lock: dict[str, Any]) -> str:
    """SHA-256 of dvc.lock's content, whatever the order in which its stages were first run."""
    return hashlib.sha256(json.dumps(lock, sort_keys=True).encode()).hexdigest()


def check_files(folder: Path, lock: dict[str, Any]) -> None:
    """FlowError where a metrics file is not the one that dvc.lock names: the stages are in the middle of a change."""
    outs = {out["path"]: out.get("md5") for stage in lock.values() for out in stage.get("outs", [])}
    for path in METRICS.values():
        if not (folder / path).is_file():
            if str(path) in outs:
                raise FlowError(f"{folder / path} is missing; `dvc repro` restores it")
        elif outs.get(str(path)) not in (None, hashlib.md5((folder / path).read_bytes()).hexdigest()):
            raise FlowError(f"{folder / path} is not the one in dvc.lock; `dvc repro` brings them together")


def in_sqlite(uri: str, identity: str) -> bool:
    """Whether a SQLite tracking database holds the result already; False also for any other kind of server."""
    path = Path(uri.removeprefix("sqlite:///"))
    if not uri.startswith("sqlite:///") or not path.is_file():
        return False
    query = (
        "SELECT 1 FROM tags JOIN runs USING (run_uuid) "
        "WHERE key = 'dvc_lock' AND value = ? AND lifecycle_stage = 'active' AND status = 'FINISHED'"
    )
    try:
        database = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
        try:
            return database.execute(query, (identity,)).fetchone() is not None
        finally:
            database.close()
    except sqlite3.Error:
        return False  # not initialised yet, or another schema: MLflow itself will tell


def log_run(main: Path, folder: Path, lock: dict[str, Any], identity: str) -> str | None:
    """Log the result through MLflow unless the server holds it already."""
    client, experiment = connect(main, EXPERIMENT)
    from mlflow.entities import Metric, Param, RunTag

    if find_run(client, experiment, identity):
        return None
    parameters, metrics, now = read_params(lock), dict(read_metrics(folder)), int(time.time() * 1000)
    run = client.create_run(experiment, run_name=run_name(parameters, metrics)).info.run_id
    tags = {"dvc_lock": identity} | read_tags(folder)
    logged = [Metric(key, value, now, 0) for key, value in metrics.items()]
    scores = read_scores(folder / SCORES)
    logged += [Metric(f"interval.{key}", float(value), now, 0) for key, value in flattened(scores["intervals"])]
    logged += [Metric(f"curve.{key}", value, now, step) for step, key, value in read_curve(folder / CURVE)]
    client.log_batch(run, tags=[RunTag(key, value[:5000]) for key, value in tags.items()])
    items = [Param(key, value[:6000]) for key, value in parameters.items()]
    for start in range(0, len(items), PARAMS_A_BATCH):
        client.log_batch(run, params=items[start : start + PARAMS_A_BATCH])
    for start in range(0, len(logged), METRICS_A_BATCH):
        client.log_batch(run, metrics=logged[start : start + METRICS_A_BATCH])
    log_files(client, run, folder)
    if scores["models"]:
        client.log_table(run, score_table(scores), "scores-table.json")
    client.set_terminated(run)
    return run


def find_run(client: Any, experiment: str, identity: str) -> str | None:
    """The finished run of a result, if the server has one; one that was interrupted does not count."""
    same = f"tags.dvc_lock = '{identity}' AND attributes.status = 'FINISHED'"
    found = client.search_runs([experiment], same, max_results=1)
    return found[0].info.run_id if found else None


def add_to_run(folder: Path, metrics: dict[str, float], files: list[Path]) -> None:
    """Add figures and files to the run of a result that `track` has logged; Untracked where MLflow refuses them."""
    try:
        client, experiment = connect(main_checkout(folder), EXPERIMENT)
        if run := find_run(client, experiment, lock_hash(read_lock(folder))):
            for name, value in metrics.items():
                client.log_metric(run, name, value)
            for file in files:
                client.log_artifact(run, str(file), "comparison")
    except FlowError:
        raise
    except Exception as error:  # whatever MLflow, its database or the network raise
        raise Untracked(refusal(main_checkout(folder), error)) from error


def refusal(main: Path, error: Exception) -> str:
    """One line on why the tracking server took nothing."""
    reason = str(error).splitlines()[0][:200] if str(error) else type(error).__name__
    return f"MLflow at {tracking_uri(main)} did not take the result: {reason}"


def log_files(client: Any, run: str, folder: Path) -> None:
    """Report, importance map, curve and metrics files."""
    for path in FILES:
        if (folder / path).is_dir():
            client.log_artifacts(run, str(folder / path), path.name)
        elif (folder / path).is_file():
            client.log_artifact(run, str(folder / path))


def read_params(lock: dict[str, Any]) -> dict[str, str]:
    """The parameters that made the result, as `section.key`: those in dvc.lock, for params.yaml may have moved on."""
    merged: dict[str, Any] = {}
    for stage in lock.values():
        for values in stage.get("params", {}).values():
            merged.update(values)
    return {key: redacted(str(value)) for key, value in flattened(merged)}


def read_metrics(folder: Path) -> Iterator[tuple[str, float]]:
    """Every finite number of the metrics files, under the path of its keys."""
    for prefix, path in METRICS.items():
        if (folder / path).is_file():
            for key, value in flattened(json.loads((folder / path).read_text(encoding="utf-8")), prefix):
                if isinstance(value, int | float) and math.isfinite(value) and not key.startswith(MACHINES):
                    yield key, float(value)


def read_scores(path: Path) -> dict[str, Any]:
    """Scores by model and task, and their intervals: difference from the teacher, its bounds, the margin proved."""
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {"models": {}, "intervals": {}}


def score_table(scores: dict[str, Any]) -> dict[str, list[Any]]:
    """Columns of a table with a row a model and task: MLflow's UI shows those of several runs side by side."""
    columns: dict[str, list[Any]] = {}
    for model, facts in scores["models"].items():
        for task, found in facts["tasks"].items():
            bounds = scores["intervals"].get(model, {}).get(task, {})
            row = {"model": model, "task": task, **{key: found[key] for key in ("score", "at", "own", "own_at")}}
            for key, value in (row | {key: bounds.get(key) for key in BOUNDS}).items():
                columns.setdefault(key, []).append(value)
    return columns


def read_curve(path: Path) -> Iterator[tuple[int, str, float]]:
    """(step, column, value) of a curve's cells that are not empty."""
    if path.is_file():
        with open(path, encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                step = int(float(row.pop("step")))
                yield from ((step, key, float(cell)) for key, cell in row.items() if cell)


def read_tags(folder: Path) -> dict[str, str]:
    """Commit, dirty tree, machine of the timings, and the labels of teacher, corpus and suite."""
    tags = {name: str(_read(folder / path).get("label", "?")) for name, path in LABELS.items()}
    cost = _read(folder / METRICS["cost"])
    tags["machine"] = json.dumps(cost.get("machine", "?"), ensure_ascii=False)
    try:
        tags["commit"] = git(folder, "rev-parse", "HEAD")
        tags["dirty"] = str(bool(uncommitted_code(folder))).lower()
    except FlowError:
        pass  # a copy without git
    return tags


def _read(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}


def run_name(parameters: dict[str, str], metrics: dict[str, float]) -> str:
    """What tells runs apart in a list: how much was cut, and what quality is left."""
    quality = metrics.get("student.mean_s")
    return f"ratio {parameters.get('prune.ratio', '?')}" + (f", mean S {quality:.3f}" if quality is not None else "")


def flattened(content: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Leaves of nested mappings under dotted keys; lists are leaves."""
    if not isinstance(content, dict):
        yield prefix, content
        return
    for key, value in content.items():
        yield from flattened(value, f"{prefix}.{key}" if prefix else str(key))


def main(arguments: list[str] | None = None) -> int:
    """Exit 0 also where the tracking server is down (a warning); 2 where there is no result to log."""
    parser = argparse.ArgumentParser(prog="python -m flows.track", description="Log the last result to MLflow.")
    parser.add_argument("folder", nargs="?", type=Path, default=Path.cwd(), help="checkout or kept run; default: here")
    folder = parser.parse_args(arguments).folder
    try:
        run = track(folder)
        print(f"MLflow: logged as run {run}" if run else "MLflow: this result is logged already")
    except Untracked as warning:
        print(f"warning: {warning}", file=sys.stderr)
    except FlowError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
