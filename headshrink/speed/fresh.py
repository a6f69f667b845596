"""What one way of running costs a process that does nothing else: seconds to its first embedding, and memory."""

import multiprocessing
import time
from multiprocessing import forkserver
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np

from headshrink.benchmarking.probe import BATCH, TOKENS, peak_resident_mb
from headshrink.errors import HeadshrinkError
from headshrink.speed.tricks import TRICKS

CONTEXT = multiprocessing.get_context("forkserver")


def start_server() -> None:
    """Start the process that the others are forks of; it imports the tricks while this one does other work.

    It uses nothing of what it imports: its forks have the imports behind them, and no thread and no model.
    """
    CONTEXT.set_forkserver_preload([__name__])
    forkserver.ensure_running()


def figures(name: str, folder: Path, longest: int) -> dict[str, float]:
    """`measure` of a trick on a form's folder, in a fresh process.

    That process asks nothing of this one, and so ends by itself where this one is killed. HeadshrinkError where it
    dies without an answer, as for want of memory.
    """
    answer, its_end = CONTEXT.Pipe(duplex=False)
    process = CONTEXT.Process(target=send, args=(its_end, name, folder, min(TOKENS, longest)))
    process.start()
    its_end.close()
    try:
        found: dict[str, float] = answer.recv()
        return found
    except EOFError as error:
        raise HeadshrinkError(f"speed row {name}: its process failed; there may be too little memory") from error
    finally:
        process.join()


def send(end: Connection, name: str, folder: Path, tokens: int) -> None:
    end.send(measure(name, folder, tokens))


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
