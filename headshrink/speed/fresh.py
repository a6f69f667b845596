"""What one way of running costs a process that does nothing else: seconds to its first embedding, and memory."""

import multiprocessing
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing import forkserver
from pathlib import Path

import numpy as np

from headshrink.benchmark.probe import BATCH, TOKENS, peak_resident_mb
from headshrink.errors import HeadshrinkError
from headshrink.speed.tricks import TRICKS


class Fresh:
    """Processes with all imports done and nothing else, one a measurement."""

    def __init__(self, pool: ProcessPoolExecutor) -> None:
        self.pool = pool

    def figures(self, name: str, folder: Path, longest: int) -> dict[str, float]:
        """`measure` of a trick on a form's folder; HeadshrinkError where its process dies, as for want of memory."""
        try:
            return self.pool.submit(measure, name, folder, min(TOKENS, longest)).result()
        except BrokenProcessPool as error:
            raise HeadshrinkError(
                f"speed row {name}: its process was killed; there may be too little memory"
            ) from error


@contextmanager
def fresh_processes() -> Iterator[Fresh]:
    """Forks of a server that has imported what the tricks need, and has used none of it: no thread, no model."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__])
    forkserver.ensure_running()  # it imports while this process does other work
    with ProcessPoolExecutor(1, context, max_tasks_per_child=1) as pool:
        yield Fresh(pool)


def measure(name: str, folder: Path, tokens: int) -> dict[str, float]:
    """Open a form, embed a sentence, then a full batch, on one thread.

    `startup_s` is from the folder to the first embedding, with compilation, which must not come from torch's cache;
    `memory_mb` is by how much the process grew at its largest: model, activations, and what a runtime keeps of them.
    """
    import torch._inductor.config

    torch._inductor.config.force_disable_caches = True
    before_mb, started = peak_resident_mb(), time.perf_counter()
    run = TRICKS[name].open(folder, 1)
    run(*whole(np.ones((1, tokens), np.int64)))
    startup_s = time.perf_counter() - started
    run(*whole(np.ones((BATCH, tokens), np.int64)))
    return {"startup_s": startup_s, "memory_mb": peak_resident_mb() - before_mb}


def whole(ids: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Ids and the mask of rows without padding."""
    return ids, np.ones_like(ids)
