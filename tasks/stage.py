"""How a stage runs: validated parameters, one copy at a time, outputs checked before the work, errors in one line."""

import fcntl
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from inspect import Parameter, signature
from pathlib import Path
from typing import Any

from headshrink.cores import die_with_parent
from tasks import params
from tasks.machine import machine
from tasks.params import Params, ParamsError
from tasks.unused import UNUSED

ARTIFACTS = Path("artifacts")
WORK = Path(".work")  # checkpoints and caches that outlive a stage; never DVC's, never in git
SECONDS_FOR_A_DYING_TWIN = 10


def main(run: Callable[..., None], name: str, *outputs: str, unused: Callable[[], None] | None = None) -> None:
    """Run one stage as a process: exit 0 when done, 2 after one line on a mistake or an error of the system's.

    `run` is called with the sections of params.yaml that its arguments name, as `sections_of` finds them.
    `outputs` are its folders under artifacts/: a place that cannot be written is found before the work. `unused` writes
    an explicit empty result, in place of `run`, for a kind of student that does not use the pruned model. Our own bugs
    leave their traceback.
    """
    die_with_parent()
    try:
        parameters = params.load()
    except ParamsError as error:
        fail(str(error))
    from headshrink.errors import ends_in_one_line  # bring torch: only once the parameters are known to be good
    from headshrink.output import check_folder

    with ends_in_one_line(f"{name}: "), only_copy(name), machine.stage(name):
        for output in outputs:
            check_folder(ARTIFACTS / output)
        quiet_libraries()
        if unused is None or uses_pruned_model(parameters.distill.student.kind):
            run(**sections_of(run, parameters))
        else:
            print(f"{name}: nothing to do: {UNUSED['reason']}", flush=True)
            unused()


def uses_pruned_model(kind: str) -> bool:
    """Whether students of this kind start from the pruned model, as the kind itself says."""
    from headshrink.distillation.students import STUDENTS

    return STUDENTS[kind].uses_pruned_model


def sections_of(run: Callable[..., None], parameters: Params) -> dict[str, Any]:
    """The sections that a stage's function has arguments for; all of them where it takes any (`**others`)."""
    arguments = signature(run).parameters
    takes_any = any(argument.kind == Parameter.VAR_KEYWORD for argument in arguments.values())
    return {name: getattr(parameters, name) for name in Params.model_fields if takes_any or name in arguments}


def quiet_libraries() -> None:
    """Switch off bars for files that take a moment."""
    from transformers.utils import logging

    logging.disable_progress_bar()


def fail(line: str) -> None:
    print(f"error: {line}", file=sys.stderr)
    sys.exit(2)


@contextmanager
def only_copy(name: str) -> Iterator[None]:
    """Hold the stage's lock; a copy that was just killed gets a moment to die before this one gives up."""
    WORK.mkdir(exist_ok=True)
    with open(WORK / f"{name}.lock", "w") as lock:
        deadline = time.monotonic() + SECONDS_FOR_A_DYING_TWIN
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    fail(f"{name}: another copy of this stage is running in {Path.cwd()}; wait for it or stop it")
                time.sleep(0.2)
        yield
