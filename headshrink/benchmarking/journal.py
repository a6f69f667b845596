"""Tables that threads fill batch by batch; those in a folder survive a kill and are removed when the work is done."""

import hashlib
import shutil
import sys
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack, suppress
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from headshrink.benchmarking.parallel import over_cores
from headshrink.errors import HeadshrinkError, first_line
from headshrink.output import exclusive, reserve, write_text

SECONDS_BETWEEN_SAVES = 20
DONE = "batches"  # file: numbers of the finished batches

Arrays = dict[str, NDArray[np.float32]]
Shapes = Mapping[str, tuple[int, int]]


class Table:
    """float32 arrays [rows, width] by name, and which batches of their rows are finished."""

    def __init__(self, arrays: Arrays, finished: Iterable[int] = (), file: Path | None = None) -> None:
        self.arrays, self.finished, self.file = arrays, set(finished), file
        self.saved, self.lock = time.monotonic(), threading.Lock()

    def fill(
        self, job: Callable[[list[int]], None], batches: Sequence[list[int]], sizes: Sequence[int], description: str
    ) -> None:
        """Call `job` with every batch of row numbers that a killed run did not finish; `sizes` are the rows' tokens.

        The batches come in a random order that is always the same, so that the time left is right from the start.
        """
        order = np.random.default_rng(0).permutation(len(batches)).tolist()
        left = [number for number in order if number not in self.finished]
        jobs = [partial(self._run, number, partial(job, batches[number])) for number in left]
        for _ in over_cores(jobs, description, [sum(sizes[row] for row in batches[number]) for number in left]):
            pass
        self._save()

    def _run(self, number: int, job: Callable[[], None]) -> None:
        job()
        with self.lock:
            self.finished.add(number)
            if time.monotonic() - self.saved >= SECONDS_BETWEEN_SAVES:
                self._save()

    def _save(self) -> None:
        """First the rows, then the numbers of the batches: a batch that is listed has its rows on disk."""
        if self.file is None:
            return
        for array in self.arrays.values():
            if isinstance(array, np.memmap):
                array.flush()
        write_text(self.file, " ".join(map(str, sorted(self.finished))))
        self.saved = time.monotonic()


class Journals:
    """The tables of one computation, in a folder that outlives a kill; without a folder in memory.

    As a context manager: when the block ends well it removes the tables of the models that it had tables of, also
    those that killed runs left; when it fails they stay for the next run. `version` states the code that fills them.
    """

    def __init__(self, folder: Path | None = None, version: str = "") -> None:
        self.folder, self.version, self.stack = folder, version, ExitStack()
        self.owners: set[str] = set()

    def __enter__(self) -> "Journals":
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self.stack.close()
        if self.folder is None or kind is not None:
            return
        for place in (place for owner in self.owners for place in self.folder.glob(f"{owner}-*")):
            with suppress(HeadshrinkError), exclusive(place.with_suffix(".lock"), "in use"):
                shutil.rmtree(place, ignore_errors=True)
        with suppress(OSError):  # tables in use, or of other models
            self.folder.rmdir()

    def table(self, owner: str, key: Iterable[str], shapes: Shapes) -> Table:
        """The table that `key` names, of the model of SHA-256 `owner`, with what a killed run finished of it.

        Where the folder cannot be used, or another process fills the same table, it is in memory after a warning.
        """
        if self.folder is not None:
            digest = hashlib.sha256("\0".join([self.version, owner, *key]).encode()).hexdigest()[:16]
            try:
                self.owners.add(owner[:16])
                return self._stored(self.folder / f"{owner[:16]}-{digest}", shapes)
            except (HeadshrinkError, OSError) as error:  # the embeddings are right all the same
                print(f"warning: a kill would lose the embeddings: {first_line(error)}", file=sys.stderr)
        return Table({name: np.empty(shape, dtype=np.float32) for name, shape in shapes.items()})

    def _stored(self, folder: Path, shapes: Shapes) -> Table:
        self.stack.enter_context(exclusive(folder.with_suffix(".lock"), f"another process fills {folder}"))
        folder.mkdir(exist_ok=True)
        files = {name: folder / f"{name}.npy" for name in shapes}
        try:
            finished = [int(number) for number in (folder / DONE).read_text().split()]
            return Table({name: mapped(file, shapes[name]) for name, file in files.items()}, finished, folder / DONE)
        except (FileNotFoundError, ValueError):  # new, or killed before the first save
            (folder / DONE).unlink(missing_ok=True)
            return Table({name: created(file, shapes[name]) for name, file in files.items()}, (), folder / DONE)


def mapped(file: Path, shape: tuple[int, int]) -> NDArray[np.float32]:
    """An array of a killed run; ValueError where the file holds another."""
    array = np.lib.format.open_memmap(file, mode="r+")
    if array.shape != shape or array.dtype != np.float32:
        raise ValueError(f"{file} has another shape")
    return array


def created(file: Path, shape: tuple[int, int]) -> NDArray[np.float32]:
    """A new array in a file whose room is reserved: a mapped file without room ends the process by SIGBUS."""
    array = np.lib.format.open_memmap(file, mode="w+", dtype=np.float32, shape=shape)
    with open(file, "r+b") as opened:
        reserve(opened, file.stat().st_size)
    return array
