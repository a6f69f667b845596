"""Seconds of one call, on a CPU or a GPU."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch

SHORTEST_SECONDS = 1e-3  # a call is repeated until its timing lasts so long: a clock's own jitter is some 0.1 us


@contextmanager
def threads_limited(threads: int | None) -> Iterator[None]:
    """Run with so many torch threads; None leaves torch's own choice."""
    before = torch.get_num_threads()
    torch.set_num_threads(threads or before)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def cpu_seconds(call: Callable[[], object], threads: int | None) -> float:
    """Seconds of one call, averaged over as many as last SHORTEST_SECONDS."""
    with threads_limited(threads):
        started, calls = time.perf_counter(), 0
        while True:
            call()
            calls += 1
            if (elapsed := time.perf_counter() - started) >= SHORTEST_SECONDS:
                return elapsed / calls


def cuda_seconds(call: Callable[[], object]) -> float:
    """Seconds of one call on the GPU, between two events on its stream."""
    start, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
    start.record()
    call()
    end.record()
    torch.cuda.synchronize()
    milliseconds: float = start.elapsed_time(end)
    return milliseconds / 1000
