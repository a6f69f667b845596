"""Independent jobs over the cores, one thread each."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from functools import cache
from typing import TypeVar

import torch

from headshrink.cores import cores
from headshrink.progress import Bar

Result = TypeVar("Result")


def over_cores(
    jobs: Sequence[Callable[[], Result]], description: str, sizes: Sequence[int] | None = None
) -> Iterator[Result]:
    """Yield the results of the jobs in their order, one job per core at a time, under a progress bar.

    `sizes` are the jobs' shares of the work, as their tokens: the time left follows from them. Without them all jobs
    count the same.

    Whole jobs share the cores better than the parts of one do: two threads inside each matrix product wait for one
    another at every layer, and wait long where a neighbour holds a core. It also makes results independent of the
    number of cores. Threads rather than processes, because torch, BLAS and scikit-learn's loops release the
    interpreter's lock, and nothing is copied.
    """
    sizes = sizes or [1] * len(jobs)
    with one_thread_each(), Bar(description, sum(sizes)) as bar:
        futures = [workers().submit(job) for job in jobs]
        try:
            for future, size in zip(futures, sizes, strict=True):
                yield future.result()
                bar.advance(size)
        finally:  # after an error: what has not begun never will, what has begun ends first
            for future in futures:
                future.cancel()
            wait(futures)


@cache
def workers() -> ThreadPoolExecutor:
    """One pool for the whole process: glibc keeps what a thread frees for that thread, so new ones would add to it."""
    return ThreadPoolExecutor(cores(), initializer=limit_this_thread)


@contextmanager
def one_thread_each() -> Iterator[None]:
    """torch and BLAS at one thread for every thread started inside."""
    from threadpoolctl import threadpool_limits

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with threadpool_limits(1):
            yield
    finally:
        torch.set_num_threads(before)


def limit_this_thread() -> None:
    """OpenMP counts its threads per calling thread, so each worker needs its own limit."""
    from threadpoolctl import threadpool_limits

    threadpool_limits(1, user_api="openmp")
