"""Work shared over the cores of this machine, by forked processes that die with this one."""

import ctypes
import os
import signal
import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from functools import partial
from itertools import islice
from multiprocessing import active_children, get_context
from typing import Any, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")
PR_SET_PDEATHSIG = 1
AHEAD = 4  # items per process that are computed or wait: enough to keep all busy, few enough for memory


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def chunked(items: Iterable[Item], size: int) -> Iterator[list[Item]]:
    """Lists of `size` items, the last one shorter."""
    coming = iter(items)
    while chunk := list(islice(coming, size)):
        yield chunk


def on_all_cores(function: Callable[[Item], Result], items: Iterable[Item], alone: bool = False) -> Iterator[Result]:
    """`function` of each item, in their order; items are taken as they are needed. `alone`: in this process."""
    count = cores()
    if alone or count == 1:
        yield from map(function, items)
        return
    with workers(count, _remember, function) as pool:
        coming = iter(items)
        waiting = deque(pool.submit(_call, item) for item in islice(coming, AHEAD * count))
        while waiting:
            done = waiting.popleft().result()
            waiting.extend(pool.submit(_call, item) for item in islice(coming, 1))
            yield done


_remembered: list[Callable[[Any], Any]] = []  # of a worker: its function, which is not sent with every item


def _remember(function: Callable[[Any], Any]) -> None:
    _remembered[:] = [function]


def _call(item: Any) -> Any:
    return _remembered[0](item)


@contextmanager
def workers(count: int, start: Callable[..., None], *arguments: object) -> Iterator[ProcessPoolExecutor]:
    """Processes that each begin with `start(*arguments)`; a block that an exception leaves ends them at once.

    They are forked: `arguments` are not copied, and no module is imported again. Nothing that runs in them may use
    torch, whose threads a fork does not take along.
    """
    others = set(active_children())
    pool = ProcessPoolExecutor(count, get_context("fork"), partial(_begin, start, *arguments))
    try:
        yield pool
    except BaseException:
        for child in set(active_children()) - others:
            child.kill()
        raise
    finally:
        pool.shutdown(cancel_futures=True)


def _begin(start: Callable[..., None], *arguments: object) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent's to handle
    die_with_parent()
    start(*arguments)


def die_with_parent() -> None:
    """Ask the kernel to kill this process when its parent dies.

    Killing dvc leaves its stage running, and the next `dvc repro` would start a second copy beside it. Linux only.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if adopted():  # the parent died before the call
            os._exit(1)


def adopted() -> bool:
    """Whether the parent is the process that takes in orphans, which is of another session."""
    session = os.getsid(0)
    return session not in (os.getpid(), os.getsid(os.getppid()))
