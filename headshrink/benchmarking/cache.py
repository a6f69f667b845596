"""Results that need not be computed again: keyed by what a score depends on, and by nothing else."""

import hashlib
import sys
from functools import cache
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np

from headshrink.benchmarking.journal import Journals
from headshrink.benchmarking.models import Model
from headshrink.benchmarking.outcomes import Outcome, arrays
from headshrink.benchmarking.read import Suite, checked
from headshrink.benchmarking.suite._task import Task
from headshrink.errors import HeadshrinkError
from headshrink.hashing import file_sha256
from headshrink.output import new_file

HERE = Path(__file__).resolve().parent
SCORING_CODE = (
    "beyond.py",
    "embeddings.py",
    "evaluate.py",
    "journal.py",
    "models.py",
    "outcomes.py",
    "parallel.py",
    "read.py",
    "suite/*.py",
    "../graph.py",
    "../metrics.py",
    "../model/*.py",
    "../text/*.py",
)
VECTORS = "vectors"
UNFINISHED = "unfinished"  # folder in the cache's: embeddings of runs that were killed
LIBRARIES = ("numpy", "scikit-learn", "scipy", "tokenizers", "torch", "transformers", "onnxruntime", "razdel")


@cache
def code_version() -> str:
    """SHA-256 over the sources that a score passes through and the versions of the libraries under them."""
    from importlib.metadata import PackageNotFoundError, version

    digest = hashlib.sha256()
    for path in (path for pattern in SCORING_CODE for path in sorted(HERE.glob(pattern))):
        digest.update(path.read_bytes())
    for library in LIBRARIES:
        try:
            digest.update(f"{library} {version(library)}\n".encode())
        except PackageNotFoundError:  # then no score came through it
            continue
    return digest.hexdigest()


class ResultCache:
    """Outcomes by the hash of model, task files and code, in a folder; without a folder it holds nothing.

    Entries are npz files without pickled objects, written aside and renamed: a reader sees all of one or none.
    """

    def __init__(self, folder: Path | None) -> None:
        self.folder = folder
        self.writable = True

    def journals(self) -> Journals:
        """Where a computation keeps the embeddings that a kill shall not lose."""
        return Journals(self.folder / UNFINISHED if self.folder and self.writable else None, code_version())

    def path(self, model: Model, suite: Suite, task: Task) -> Path | None:
        return self.place(model, suite, task, task.name)

    def place(self, model: Model, suite: Suite, task: Task, name: str) -> Path | None:
        """The file of what is called `name` and follows from a model and a task's files; None for nothing to keep."""
        if self.folder is None or not model.sha256:
            return None
        files = [file_sha256(checked(suite, name)) for name in task.files]
        key = "\n".join([name, model.sha256, model.device, code_version(), *files])
        return self.folder / f"{name}-{hashlib.sha256(key.encode()).hexdigest()[:32]}.npz"

    def load(self, model: Model, suite: Suite, task: Task) -> dict[str, Outcome] | None:
        """Outcomes by variant, or None where this result is not known yet or its file is damaged."""
        stored = read_arrays(self.path(model, suite, task))
        if stored is None:
            return None
        found: dict[str, dict[str, np.ndarray]] = {}
        for key, column in stored.items():
            variant, _, field = key.partition("/")
            found.setdefault(variant, {})[field] = column
        return {variant: task.outcome(**fields) for variant, fields in found.items()}

    def store(self, model: Model, suite: Suite, task: Task, outcomes: dict[str, Outcome]) -> None:
        """Keep a result; where that fails, say so once and keep no more."""
        columns = {
            f"{variant}/{field}": column for variant, one in outcomes.items() for field, column in arrays(one).items()
        }
        self._write(self.path(model, suite, task), columns)

    def load_vectors(self, model: Model, suite: Suite, task: Task) -> np.ndarray | None:
        """A model's own embeddings of a task's distinct texts [texts, dimension], None where they are not known."""
        stored = read_arrays(self.place(model, suite, task, VECTORS))
        return None if stored is None else stored.get(VECTORS)

    def store_vectors(self, model: Model, suite: Suite, task: Task, vectors: np.ndarray) -> None:
        """Keep a model's own embeddings."""
        self._write(self.place(model, suite, task, VECTORS), {VECTORS: vectors})

    def _write(self, path: Path | None, columns: dict[str, Any]) -> None:
        if path is None or not self.writable:
            return
        try:
            with new_file(path) as temporary:
                np.savez_compressed(temporary, **columns)
        except HeadshrinkError as error:  # the scores are right all the same
            self.writable = False
            print(f"warning: results are not cached: {error}", file=sys.stderr)


def read_arrays(path: Path | None) -> dict[str, np.ndarray] | None:
    """The arrays of an npz file by name; None where there is no file or it is damaged."""
    if path is None or not path.is_file():
        return None
    try:
        with np.load(path, allow_pickle=False) as stored:
            return {name: stored[name] for name in stored.files}
    except (ValueError, OSError, BadZipFile):
        return None
