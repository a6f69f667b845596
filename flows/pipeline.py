"""The pipeline as a Prefect flow: one task a stage of dvc.yaml, each running DVC in a child process.

    python -m flows.pipeline                     what has changed
    python -m flows.pipeline --rerun benchmark   measure again
    python -m flows.pipeline prune.ratio=0.25    with other parameters, in a worktree
"""

import argparse
import re
import sys
import threading
import time
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal, cast
from uuid import UUID

from pydantic import ValidationError

from flows import settings

settings.apply()  # Prefect reads its environment when it is imported

from prefect import flow, get_run_logger, task  # noqa: E402
from prefect.artifacts import create_progress_artifact, update_progress_artifact  # noqa: E402
from prefect.client.orchestration import get_client  # noqa: E402
from prefect.futures import PrefectFuture  # noqa: E402
from prefect.runtime import flow_run  # noqa: E402
from prefect.states import Cancelled, Completed, Failed, State  # noqa: E402
from prefect.task_runners import ThreadPoolTaskRunner  # noqa: E402
from prefect.tasks import exponential_backoff  # noqa: E402

from flows.checkout import FlowError, only_run  # noqa: E402
from flows.form import FIELDS, overrides, section_form  # noqa: E402
from flows.repro import BUSY, dvc, outcome_of, told, unchanged_stages  # noqa: E402
from flows.results import publish, track  # noqa: E402
from flows.stages import read_stages  # noqa: E402
from flows.supervise import Supervised  # noqa: E402
from flows.worktree import Overrides, keep_result, merged, read_parameters, worktree  # noqa: E402
from tasks.params import Params, explain  # noqa: E402
from tasks.yaml_file import YamlError, parse  # noqa: E402

Rerun = Literal["changed", "benchmark", "all"]
Prune, Distill, Importance = section_form("prune"), section_form("distill"), section_form("importance")
Corpus, Benchmark = section_form("corpus"), section_form("benchmark")

LAST_LINES = 20  # of a failed stage, in its state
STAGES_AT_ONCE = 4
NETWORK_RETRIES = 3
FIRST_RETRY_SECONDS = 15
SECONDS_BETWEEN_LOCK_TRIES = 5.0
SECONDS_BETWEEN_CANCEL_CHECKS = 2.0
SHARE = re.compile(r"\b(\d+)/(\d+)\b")
MEANING = {
    "Completed": "ran",
    "Cached": "nothing to do: its outputs are there and up to date",
    "Restored": "not run: its outputs came from DVC's cache",
}


class StageFailed(Exception):
    """A stage that ended badly; the message is its last lines."""


class Cancelling(Exception):
    """The run was cancelled while stages were running."""


@flow(
    name="headshrink",
    description="Corpus to report: every stage of dvc.yaml that is not up to date.",
    task_runner=ThreadPoolTaskRunner(max_workers=STAGES_AT_ONCE),  # type: ignore[arg-type]
)
def pipeline(
    rerun: Rerun = "changed",
    prune: Prune = Prune(),  # type: ignore[valid-type]  # noqa: B008
    distill: Distill = Distill(),  # type: ignore[valid-type]  # noqa: B008
    importance: Importance = Importance(),  # type: ignore[valid-type]  # noqa: B008
    corpus: Corpus = Corpus(),  # type: ignore[valid-type]  # noqa: B008
    benchmark: Benchmark = Benchmark(),  # type: ignore[valid-type]  # noqa: B008
) -> State:
    """Run the pipeline of the checkout that is the working directory.

    With other parameters than params.yaml it runs in a worktree and leaves the checkout as it is.

    Args:
        rerun: changed: stages that are not up to date; benchmark: measure again as well; all: every stage
        prune: how much is cut; empty fields mean what params.yaml says when the run starts
        distill: how the student is trained
        importance: how heads and FFN neurons are scored
        corpus: which pairs
        benchmark: what is measured
    """
    forms = {"prune": prune, "distill": distill, "importance": importance, "corpus": corpus, "benchmark": benchmark}
    main, say = Path.cwd(), get_run_logger().info
    try:
        with children_end_with_the_run() as cancelled, only_run(main, say):
            parameters = read_parameters(main)
            changes = overrides(forms, parameters)
            check(merged(parameters, changes))
            result = run_beside(main, changes, rerun, cancelled) if changes else run_stages(main, rerun, cancelled)
            track(result)
            publish(result)
            return Completed(message=f"report: {result / 'artifacts' / 'report' / 'report.md'}")
    except Cancelling:
        return Cancelled(message="cancelled; finished stages are kept, an interrupted one resumes or starts again")
    except FlowError as error:
        return Failed(message=str(error))


def check(parameters: dict[str, Any]) -> None:
    """Refuse parameters that the stages would refuse, before anything starts."""
    try:
        Params.model_validate(parameters)
    except ValidationError as error:
        raise FlowError(explain(error, parameters)) from error


def run_beside(main: Path, changes: Overrides, rerun: Rerun, cancelled: threading.Event) -> Path:
    """Run with other parameters in a worktree; the folder its result is kept in."""
    with worktree(main, changes, get_run_logger().info) as tree:
        run_stages(tree, rerun, cancelled)
        return keep_result(main, tree)


def run_stages(folder: Path, rerun: Rerun, cancelled: threading.Event) -> Path:
    """Run every stage of `folder` once those before it are done, and return `folder`.

    Raises FlowError naming the stages that failed, Cancelling where the run was cancelled.
    """
    stages = read_stages(folder)
    unchanged = unchanged_stages(folder, stages) if rerun != "all" else set()
    fetching = network_stages(read_parameters(folder))
    futures: dict[str, PrefectFuture[State]] = {}
    for stage in stages:
        before = [futures[name] for name in stage.after]
        force = rerun in ("all", stage.name)
        if stage.name in unchanged and not force:
            futures[stage.name] = skip_stage.submit(stage.name, wait_for=before, return_state=False)
        else:
            runner = with_retries if stage.name in fetching else run_stage
            futures[stage.name] = runner.submit(stage.name, folder, force, wait_for=before, return_state=False)
    for future in futures.values():
        future.wait()
    if cancelled.is_set():
        raise Cancelling
    if failed := [name for name, future in futures.items() if future.state.is_failed()]:
        raise FlowError(f"failed: {', '.join(failed)}; the task's state and log hold its last lines")
    return folder


@task(task_run_name="{name}")
def run_stage(name: str, folder: Path, force: bool) -> State:
    """Run one stage by DVC: Completed, Cached or Restored; StageFailed with its last lines otherwise."""
    log, progress = get_run_logger(), Progress(name)
    while True:
        last: deque[str] = deque(maxlen=LAST_LINES)
        outcome = "Completed"
        child = dvc(folder, "repro", "--single-item", *(["--force"] if force else []), name)
        for line in told(child):
            log.info(line)
            last.append(line)
            progress.read(line)
            outcome = outcome_of(line) or outcome
        if child.status == 0:
            progress.end(outcome)
            return Completed(name=outcome, message=f"{name}: {MEANING[outcome]}")
        if Supervised.stopping() or not any(BUSY in line for line in last):
            raise StageFailed("\n".join(last))
        log.info("another DVC is at work on the files of %s; waiting for it", name)
        time.sleep(SECONDS_BETWEEN_LOCK_TRIES)


@task(task_run_name="{name}")
def skip_stage(name: str) -> State:
    """A stage of which DVC has said that it has nothing to do."""
    Progress(name).end("Cached")
    return Completed(name="Cached", message=f"{name}: {MEANING['Cached']}")


def worth_another_try(_task: object, _run: object, _state: State) -> bool:
    """Not where the run was cancelled.

    Any other failure may be the network's: parameters were checked before, and a broken download shows as a wrong hash.
    """
    return not Supervised.stopping()


with_retries = run_stage.with_options(
    retries=NETWORK_RETRIES,
    retry_delay_seconds=exponential_backoff(FIRST_RETRY_SECONDS),
    retry_condition_fn=worth_another_try,
)


def network_stages(parameters: dict[str, Any]) -> set[str]:
    """The stages that read from the network under these parameters; only for them is another try worth waiting for."""
    corpus, suite, teacher = (parameters.get(name, {}) for name in ("corpus", "suite", "teacher"))
    fetches_corpus = corpus.get("source") == "hub" or corpus.get("url") or suite.get("source") == "git"
    return ({"corpus"} if fetches_corpus else set()) | ({"teacher"} if teacher.get("source") == "hub" else set())


class Progress:
    """A stage's progress artifact, moved by the `done/total` of the lines that the stage prints."""

    def __init__(self, stage: str) -> None:
        self.stage, self.percent = stage, -1.0
        self.artifact: UUID | None = None

    def read(self, line: str) -> None:
        """Take what a line says of the progress, if anything."""
        if found := SHARE.search(line):
            done, total = int(found[1]), int(found[2])
            if 0 < done <= total:
                self._show(100 * done / total)
        elif line.startswith("Running stage"):
            self._show(0)

    def end(self, outcome: str) -> None:
        self._show(100, MEANING[outcome])

    def _show(self, percent: float, description: str | None = None) -> None:
        if self.artifact is None:
            made = create_progress_artifact(percent, key=f"progress-{self.stage}", description=description)
            self.artifact = cast(UUID, made)
        elif percent != self.percent:
            update_progress_artifact(self.artifact, percent, description=description)
        self.percent = percent


@contextmanager
def children_end_with_the_run() -> Iterator[threading.Event]:
    """End every child process when the block is left or the run is cancelled; the event tells of a cancellation.

    A served run is told by a SIGTERM, which Prefect raises here as an exception. A run started by hand has no runner
    that would send one, so the run also asks the server about itself.
    """
    Supervised.begin()
    cancelled, left = threading.Event(), threading.Event()
    threading.Thread(target=_watch, args=(UUID(flow_run.id), cancelled, left), daemon=True).start()
    try:
        yield cancelled
    finally:
        left.set()
        Supervised.stop_all()


def _watch(run_id: UUID, cancelled: threading.Event, left: threading.Event) -> None:
    with get_client(sync_client=True) as client:
        while not left.wait(SECONDS_BETWEEN_CANCEL_CHECKS):
            try:
                state = client.read_flow_run(run_id).state
            except Exception:  # a server that is away for a moment must not end a training
                continue
            if state and (state.is_cancelling() or state.is_cancelled()):
                cancelled.set()
                Supervised.stop_all()
                return


def read_changes(words: Sequence[str]) -> dict[str, dict[str, Any]]:
    """What `section.key=value` words change; FlowError for a key that the form lacks or a value that is no YAML."""
    sections: dict[str, dict[str, Any]] = {}
    for word in words:
        name, equals, value = word.partition("=")
        section, _, key = name.partition(".")
        if not equals or key not in FIELDS.get(section, ()):
            allowed = ", ".join(f"{section}.{key}" for section, keys in FIELDS.items() for key in keys)
            raise FlowError(f"{word}: section.key=value is needed, with one of the keys {allowed}")
        try:
            sections.setdefault(section, {})[key] = parse(value)
        except YamlError as error:
            raise FlowError(f"{name}: {error}") from error
    return sections


def main(arguments: list[str] | None = None) -> int:
    """Run the flow from the command line: 1 where it fails, 2 for a parameter that is not allowed."""
    parser = argparse.ArgumentParser(prog="python -m flows.pipeline", description="Run the pipeline as a Prefect flow.")
    parser.add_argument("--rerun", choices=["changed", "benchmark", "all"], default="changed")
    parser.add_argument("changes", nargs="*", metavar="section.key=value", help="other than params.yaml says")
    given = parser.parse_args(arguments)
    try:
        sections = read_changes(given.changes)
        check(merged(read_parameters(Path.cwd()), sections))
    except FlowError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    state: State = pipeline(rerun=given.rerun, **sections, return_state=True)  # type: ignore[arg-type]
    if not state.is_completed():
        print(f"error: {state.message}", file=sys.stderr)
    return 0 if state.is_completed() else 1


if __name__ == "__main__":
    sys.exit(main())
