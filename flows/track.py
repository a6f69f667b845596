"""Log a finished result to MLflow from its files: `python -m flows.track [FOLDER]`.

From files and not from the stages, because a stage that DVC restores does not run. The same result is logged once.
"""

import argparse
import csv
import fcntl
import hashlib
import json
import re
import sqlite3
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from flows import figures, view
from flows.checkout import FlowError, git
from flows.worktree import uncommitted_code
from headshrink.errors import HeadshrinkError, first_line
from headshrink.redact import redacted
from tasks.params import complete
from tasks.tracking import WORK, connect, cut_name, main_checkout, sqlite_path, tracking_uri, ui_address

EXPERIMENT = "headshrink"
METRICS = (
    figures.BENCHMARK / "quality.json",
    figures.BENCHMARK / "cost.json",
    Path("artifacts/speed/speed.json"),
    figures.TRAINING,
)
CURVE = Path("artifacts/student/curve.csv")
MAP, CONVERGENCE = Path("artifacts/importance/map.png"), Path("artifacts/importance/convergence.json")
LABELS = {  # tag: the JSON file whose `label` it is
    "corpus": Path("artifacts/corpus/counts.json"),
    "suite": Path("artifacts/suite/suite.json"),
    "teacher": Path("artifacts/teacher/teacher.json"),
}
FILES = (
    Path("artifacts/report"), MAP, CURVE, figures.SCORES, *METRICS, Path("dvc.lock"),
)  # fmt: skip
LINK = re.compile(r"MLflow (?P<name>run|report): (?P<address>\S+)")
PARAMS_PER_BATCH, METRICS_PER_BATCH = 100, 1000  # MLflow's limits


class Untracked(HeadshrinkError):
    """A result that is complete, and that the tracking server did not take; a warning, never a failure."""


@dataclass(frozen=True)
class Logged:
    """A result's run in MLflow, and whether this call made it."""

    experiment: str
    run: str
    new: bool


def track(folder: Path, prefect: str | None = None) -> Logged:
    """Log the result in `folder` as one MLflow run, unless it was logged before; `prefect`: its flow run's address.

    Raises FlowError where `folder` holds no finished result, Untracked where MLflow does not take it.
    """
    main = main_checkout(folder)
    lock = read_lock(folder)
    identity = lock_hash(lock)
    check_files(folder, lock)
    (main / WORK).mkdir(exist_ok=True)
    with open(main / WORK / "track.lock", "w") as only_tracker:
        fcntl.flock(only_tracker, fcntl.LOCK_EX)
        if found := in_sqlite(tracking_uri(main), identity):  # without importing MLflow, which takes seconds
            return found
        try:
            return log_run(main, folder, lock, read_tags(folder, identity, prefect))
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
    for path in METRICS:
        if not (folder / path).is_file():
            if str(path) in outs:
                raise FlowError(f"{folder / path} is missing; `dvc repro` restores it")
        elif outs.get(str(path)) not in (None, hashlib.md5((folder / path).read_bytes()).hexdigest()):
            raise FlowError(f"{folder / path} is not the one in dvc.lock; `dvc repro` brings them together")


def in_sqlite(uri: str, identity: str) -> Logged | None:
    """The run of a result in a SQLite tracking database; None also for any other kind of server."""
    path = sqlite_path(uri)
    if path is None or not path.is_file():
        return None
    query = (
        "SELECT experiment_id, run_uuid FROM tags JOIN runs USING (run_uuid) "
        "WHERE key = 'dvc_lock' AND value = ? AND lifecycle_stage = 'active' AND status = 'FINISHED'"
    )
    try:
        database = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)
        try:
            row = database.execute(query, (identity,)).fetchone()
        finally:
            database.close()
    except sqlite3.Error:
        return None  # not initialised yet, or another schema: MLflow itself will tell
    return Logged(str(row[0]), row[1], new=False) if row else None


def log_run(main: Path, folder: Path, lock: dict[str, Any], tags: dict[str, str]) -> Logged:
    """Log the result through MLflow unless the server holds it already; an interrupted run is not left as running."""
    client, experiment = connect(main, EXPERIMENT)
    view.save(client, experiment)
    if found := find_run(client, experiment, tags["dvc_lock"]):
        return Logged(experiment, found, new=False)
    parameters = read_params(lock)
    run = client.create_run(experiment, run_name=run_name(parameters, figures.headlines(folder))).info.run_id
    try:
        log_data(client, run, folder, parameters, tags)
        log_files(client, run, folder)
    except BaseException as error:
        client.set_terminated(run, "FAILED" if isinstance(error, Exception) else "KILLED")
        raise
    client.set_terminated(run)
    return Logged(experiment, run, new=True)


def log_data(client: Any, run: str, folder: Path, parameters: dict[str, str], tags: dict[str, str]) -> None:
    """Tags, parameters, the headline figures and the training's curve."""
    from mlflow.entities import Metric, Param, RunTag

    now = int(time.time() * 1000)
    logged = [Metric(key, value, now, 0) for key, value in figures.headlines(folder).items()]
    curve = read_curve(folder / CURVE)
    logged += [Metric(f"{figures.CURVE_PREFIX}{key}", value, now, step) for step, key, value in curve]
    client.log_batch(run, tags=[RunTag(key, value[:5000]) for key, value in tags.items()])
    items = [Param(key, value[:6000]) for key, value in parameters.items()]
    for start in range(0, len(items), PARAMS_PER_BATCH):
        client.log_batch(run, params=items[start : start + PARAMS_PER_BATCH])
    for start in range(0, len(logged), METRICS_PER_BATCH):
        client.log_batch(run, metrics=logged[start : start + METRICS_PER_BATCH])


def find_run(client: Any, experiment: str, identity: str) -> str | None:
    """The finished run of a result, if the server has one; one that was interrupted does not count."""
    same = f"tags.dvc_lock = '{identity}' AND attributes.status = 'FINISHED'"
    found = client.search_runs([experiment], same, max_results=1)
    return found[0].info.run_id if found else None


def add_to_run(folder: Path, metrics: dict[str, float], files: list[Path]) -> None:
    """Add figures, and files under comparison/, to the run of a logged result; Untracked where MLflow refuses them."""
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
    reason = first_line(error) or type(error).__name__
    return f"MLflow at {tracking_uri(main)} did not take the result: {reason}"


def log_files(client: Any, run: str, folder: Path) -> None:
    """Report, curve, metrics and, where there is one, importance map as files; figures and scores also as tables."""
    scored = figures.read(folder / CONVERGENCE).get("used", True)
    for path in FILES if scored else [path for path in FILES if path != MAP]:
        if (folder / path).is_dir():
            client.log_artifacts(run, str(folder / path), path.name)
        elif (folder / path).is_file():
            client.log_artifact(run, str(folder / path))
    tables = {"figures-table.json": figures.all_figures(folder), "scores-table.json": figures.score_table(folder)}
    for name, table in tables.items():
        if any(table.values()):
            client.log_table(run, table, name)


def read_params(lock: dict[str, Any]) -> dict[str, str]:
    """The parameters that made the result, as `section.key`: those in dvc.lock, for params.yaml may have moved on.

    Keys that they leave out have the defaults of this code.
    """
    merged: dict[str, Any] = {}
    for stage in lock.values():
        for values in stage.get("params", {}).values():
            merged.update(values)
    return {key: redacted(str(value)) for key, value in flattened(complete(merged))}


def read_curve(path: Path) -> Iterator[tuple[int, str, float]]:
    """(step, column, value) of a curve's cells that are not empty."""
    if path.is_file():
        with open(path, encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                step = int(float(row.pop("step")))
                yield from ((step, key, float(cell)) for key, cell in row.items() if cell)


def read_tags(folder: Path, identity: str, prefect: str | None) -> dict[str, str]:
    """The result's identity, commit, dirty tree, machine of the timings, labels of its data, and Prefect's run."""
    tags = {"dvc_lock": identity}
    tags |= {name: str(figures.read(folder / path).get("label", "?")) for name, path in LABELS.items()}
    cost = figures.read(folder / figures.BENCHMARK / "cost.json")
    tags["machine"] = json.dumps(cost.get("machine", "?"), ensure_ascii=False)
    if prefect:
        tags |= {"prefect": prefect, "mlflow.note.content": f"[Run in Prefect]({prefect})"}
    try:
        tags["commit"] = git(folder, "rev-parse", "HEAD")
        tags["dirty"] = str(bool(uncommitted_code(folder))).lower()
    except FlowError:
        pass  # a copy without git
    return tags


def pages(folder: Path, logged: Logged) -> dict[str, str]:
    """Addresses of MLflow's pages of a result, by what they show; LINK reads the lines that `main` prints of them."""
    ui = ui_address(main_checkout(folder))
    found = {"run": view.run_address(ui, logged.experiment, logged.run)}
    if (folder / "artifacts" / "report" / "report.html").is_file():
        found["report"] = view.report_address(ui, logged.experiment, logged.run)
    return found


def lock_note(folder: Path) -> str | None:
    """Why git shows dvc.lock as modified after a run, where it does; None also without git or a committed dvc.lock."""
    try:
        committed = yaml.safe_load(git(folder, "show", "HEAD:./dvc.lock"))["stages"]
    except FlowError:
        return None
    changed = sorted(name for name, stage in read_lock(folder).items() if stage != committed.get(name))
    if not changed:
        return None
    return (
        f"git shows dvc.lock as modified ({', '.join(changed)}): it holds hashes of results, and timings are new in "
        "every run; commit it only to publish these results"
    )


def run_name(parameters: dict[str, str], metrics: dict[str, float]) -> str:
    """What tells runs apart in a list: the training's name, and what quality is left."""
    quality = metrics.get("student.mean_s")
    return training_name(parameters) + (f", mean S {quality:.3f}" if quality is not None else "")


def training_name(parameters: dict[str, str]) -> str:
    """The name of a result's training, as `read_params` has its parameters."""
    prune = {key.removeprefix("prune."): value for key, value in parameters.items() if key.startswith("prune.")}
    return cut_name(parameters.get("distill.student.kind", "pruned"), prune)


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
    parser.add_argument("--prefect", metavar="URL", help="address of the flow run that made it")
    given = parser.parse_args(arguments)
    try:
        logged = track(given.folder, given.prefect)
        print(f"MLflow: logged as run {logged.run}" if logged.new else "MLflow: this result is logged already")
        for name, address in pages(given.folder, logged).items():
            print(f"MLflow {name}: {address}")
        if note := lock_note(given.folder):
            print(note)
    except Untracked as warning:
        print(f"warning: {warning}", file=sys.stderr)
    except FlowError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
