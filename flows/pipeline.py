"""The pipeline as a Prefect flow: one task per stage of dvc.yaml, each running DVC in a child process.

python -m flows.pipeline                     what has changed
python -m flows.pipeline --rerun benchmark   measure again
python -m flows.pipeline prune.ratio=0.25    with other parameters, in a worktree
"""

import argparse
import logging
import os
import re
import signal
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, cast
from uuid import UUID

from pydantic import ValidationError

from flows import settings

settings.apply()  # Prefect reads its environment when it is imported

from prefect import flow, get_run_logger, task  # noqa: E402
from prefect.artifacts import create_progress_artifact, update_progress_artifact  # noqa: E402
from prefect.client.orchestration import get_client  # noqa: E402
from prefect.client.schemas.objects import State  # noqa: E402
from prefect.flow_engine import load_flow_run, run_flow_sync  # noqa: E402
from prefect.futures import PrefectFuture  # noqa: E402
from prefect.runtime import flow_run  # noqa: E402
from prefect.states import Cancelled, Completed, Failed  # noqa: E402
from prefect.task_runners import ThreadPoolTaskRunner  # noqa: E402
from prefect.tasks import exponential_backoff  # noqa: E402

from flows.checkout import FlowError, RunCancelled, only_run  # noqa: E402
from flows.form import FIELDS, Form, overrides, section_form  # noqa: E402
from flows.reporting import Reporting, silence_watchers, write_note  # noqa: E402
from flows.repro import BUSY, dvc, outcome_of, stage_output, unchanged_stages  # noqa: E402
from flows.results import publish, track  # noqa: E402
from flows.stages import read_stages  # noqa: E402
from flows.supervise import Supervised  # noqa: E402
from flows.worktree import Overrides, keep_result, merged, read_parameters, worktree  # noqa: E402
from tasks.params import Params, explain  # noqa: E402
from tasks.yaml_file import YamlError, parse  # noqa: E402

Rerun = Literal["changed", "benchmark", "all"]
if TYPE_CHECKING:  # the fields of these models are known when this module is imported, and not before
    Prune: TypeAlias = Form
    Distill: TypeAlias = Form
    Importance: TypeAlias = Form
    Corpus: TypeAlias = Form
    Benchmark: TypeAlias = Form
else:
    Prune, Distill, Importance = section_form("prune"), section_form("distill"), section_form("importance")
    Corpus, Benchmark = section_form("corpus"), section_form("benchmark")

LAST_LINES = 20  # of a failed stage, in its state
STAGES_AT_ONCE = 4
CANCELLED = "cancelled; finished stages are kept, an interrupted one resumes or starts again"
SECONDS_FOR_SERVER = 120.0  # to come back after a run that it did not see; `make serve` takes 15 s on an idle machine
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


class ServerLost(BaseException):
    """The run has ended and the server cannot be told; no Exception, for which Prefect would print a traceback."""


@flow(
    name="headshrink",
    description="Corpus to report: every stage of dvc.yaml that is not up to date.",
    task_runner=ThreadPoolTaskRunner(max_workers=STAGES_AT_ONCE),  # type: ignore[arg-type]
)
def pipeline(
    rerun: Rerun = "changed",
    prune: Prune = Prune(),  # noqa: B008
    distill: Distill = Distill(),  # noqa: B008
    importance: Importance = Importance(),  # noqa: B008
    corpus: Corpus = Corpus(),  # noqa: B008
    benchmark: Benchmark = Benchmark(),  # noqa: B008
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
    with children_end_with_the_run() as cancelled:
        state = outcome(forms, rerun, cancelled)
        Reporting.final = state
        write_note(Path.cwd(), flow_run.id, state)
        if Reporting.lost and not server_returns(cancelled):
            logging.getLogger("prefect.flow_runs").setLevel(logging.CRITICAL)  # it would call the run crashed
            raise ServerLost
    return state


def outcome(forms: dict[str, Any], rerun: Rerun, cancelled: threading.Event) -> State:
    """Run the pipeline with what the forms change; the state in which the run ends."""
    main = Path.cwd()
    try:
        with only_run(main, get_run_logger().info, cancelled.is_set):
            parameters = read_parameters(main)
            changes = overrides(forms, parameters)
            check(merged(parameters, changes))
            result = run_beside(main, changes, rerun, cancelled) if changes else run_stages(main, rerun, cancelled)
            links = track(result)
            with Reporting.attempt():
                publish(result, links)
            return Completed(message=f"report: {result / 'artifacts' / 'report' / 'report.md'}")
    except (RunCancelled, FlowError) as error:
        return Cancelled(message=CANCELLED) if cancelled.is_set() else Failed(message=str(error))


def server_returns(cancelled: threading.Event) -> bool:
    """Wait for the server that the run has lost, which `make serve` starts again; not where the user waits for us.

    Nobody starts a server again that Prefect started for this run alone: it has no PREFECT_API_URL.
    """
    url = os.environ.get("PREFECT_API_URL")
    deadline = time.monotonic() + (0 if cancelled.is_set() else SECONDS_FOR_SERVER)
    while url and not settings.answers(url):
        if time.monotonic() > deadline:
            return False
        time.sleep(1)
    return url is not None


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

    Raises FlowError naming the stages that failed, RunCancelled where the run was cancelled.
    """
    stages = read_stages(folder)
    unchanged = unchanged_stages(folder, stages) if rerun != "all" else set()
    fetching = network_stages(read_parameters(folder))
    futures: dict[str, PrefectFuture[State]] = {}
    for stage in stages:
        before = [futures[name] for name in stage.after]
        force = rerun in ("all", stage.name)
        if stage.name in unchanged and not force:
            skip = skip_stage.with_options(name=stage.name)  # what the task is called while it waits
            futures[stage.name] = skip.submit(stage.name, wait_for=before, return_state=False)
        else:
            run = (with_retries if stage.name in fetching else run_stage).with_options(name=stage.name)
            futures[stage.name] = run.submit(stage.name, folder, force, wait_for=before, return_state=False)
    for future in futures.values():
        future.wait()
    if cancelled.is_set():
        raise RunCancelled
    if failed := [name for name, future in futures.items() if future.state.is_failed()]:
        raise FlowError(f"failed: {', '.join(failed)}; the task's state and log hold its last lines")
    return folder


@task(task_run_name="{name}")
def run_stage(name: str, folder: Path, force: bool) -> State:
    """Run one stage by DVC: Completed, Cached, Restored or Cancelled; StageFailed with its last lines otherwise."""
    log, progress = get_run_logger(), Progress(name)
    while True:
        last: deque[str] = deque(maxlen=LAST_LINES)
        outcome = "Completed"
        child = dvc(folder, "repro", "--single-item", *(["--force"] if force else []), name)
        for line in stage_output(child):
            if Supervised.stopping():
                continue  # the tracebacks of what is being interrupted
            log.info(line)
            last.append(line)
            progress.read(line)
            outcome = outcome_of(line) or outcome
        if child.status == 0:
            progress.end(outcome)
            return Completed(name=outcome, message=f"{name}: {MEANING[outcome]}")
        if Supervised.stopping():
            return Cancelled(message=f"{name}: cancelled")
        if not any(BUSY in line for line in last):
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
        if percent == self.percent or not Reporting.worth_trying():
            return
        with Reporting.attempt():
            if self.artifact is None:
                made = create_progress_artifact(percent, key=f"progress-{self.stage}", description=description)
                self.artifact = cast(UUID, made)
            else:
                update_progress_artifact(self.artifact, percent, description=description)
            self.percent = percent


@contextmanager
def children_end_with_the_run() -> Iterator[threading.Event]:
    """End every child process when the block is left or the run is cancelled; the event tells of a cancellation.

    The user cancels by Ctrl-C, by SIGTERM, or on Prefect's pages, for which the run asks the server about itself.
    """
    Supervised.begin()
    cancelled, left = threading.Event(), threading.Event()
    tasks = logging.getLogger("prefect.task_runs")
    level = tasks.level

    def cancel(*_: object) -> None:
        cancelled.set()
        tasks.setLevel(logging.CRITICAL)  # an error a task, where the run's own line says all
        Supervised.stop_all()

    threading.Thread(target=_watch, args=(UUID(flow_run.id), cancel, left), daemon=True).start()
    try:
        with signals_call(cancel):
            yield cancelled
    finally:
        left.set()
        tasks.setLevel(level)
        Supervised.stop_all()


@contextmanager
def signals_call(cancel: Callable[..., None]) -> Iterator[None]:
    """Let SIGINT and SIGTERM cancel the run, where Prefect would print a traceback and call the run failed."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, cancel) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _watch(run_id: UUID, cancel: Callable[[], None], left: threading.Event) -> None:
    while not left.wait(SECONDS_BETWEEN_CANCEL_CHECKS):
        if not Reporting.worth_trying():
            continue
        with Reporting.attempt(), get_client(sync_client=True) as client:
            state = client.read_flow_run(run_id).state
            if state and (state.is_cancelling() or state.is_cancelled()):
                return cancel()


def to_the_end(run: Callable[[], State | None]) -> State:
    """The state in which a run ends, whether the server could be told it or not."""
    Reporting.final = None
    silence_watchers()
    try:
        return cast(State, run())
    except (Exception, ServerLost):
        if (state := Reporting.final) is None:
            raise
        print("Prefect's server was not told how the run ended; the next `make serve` records it", file=sys.stderr)
        return state


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
    parser.add_argument("--flow-run", type=UUID, help=argparse.SUPPRESS)  # `make serve` starts a run that was asked for
    parser.add_argument("changes", nargs="*", metavar="section.key=value", help="other than params.yaml says")
    given = parser.parse_args(arguments)
    try:
        sections = read_changes(given.changes)
        check(merged(read_parameters(Path.cwd()), sections))
    except FlowError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    if reason := settings.dead_server():
        print(f"error: {reason}", file=sys.stderr)
        return settings.NO_SERVER
    if given.flow_run:
        known = load_flow_run(given.flow_run)
        state = to_the_end(lambda: run_flow_sync(pipeline, known, known.parameters, return_type="state"))
    else:
        state = to_the_end(lambda: pipeline(rerun=given.rerun, **sections, return_state=True))
    if not state.is_completed():
        print(f"{'' if state.is_cancelled() else 'error: '}{state.message}", file=sys.stderr)
    return 0 if state.is_completed() else 1


if __name__ == "__main__":
    ended = main()
    if Reporting.lost:  # Prefect would try each event that it still has for seven seconds
        sys.stdout.flush()
        os._exit(ended)
    sys.exit(ended)
