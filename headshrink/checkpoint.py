"""Checkpoints that survive a kill at any moment, in a folder named by what they are checkpoints of."""

import hashlib
import json
import os
import pickle
import shutil
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import torch

from headshrink.errors import HeadshrinkError
from headshrink.hashing import file_sha256
from headshrink.output import new_file

FILE = "checkpoint.pt"
SMALL_SHARE = 0.02  # of the time, for saving


def fingerprint(paths: Iterable[Path], parameters: dict[str, Any]) -> str:
    """Sixteen hexadecimal digits of everything that a long computation depends on.

    `paths` are files and folders (code and inputs, hashed by relative name and content, bytecode left out); torch's
    version and thread count belong to it as well, since sums in another order end in other bits.
    """
    digest = hashlib.sha256(json.dumps(parameters, sort_keys=True).encode())
    digest.update(f"{torch.__version__} {torch.get_num_threads()}".encode())
    for path in paths:
        files = sorted(file for file in path.rglob("*") if file.is_file()) if path.is_dir() else [path]
        for file in files:
            if "__pycache__" in file.parts:
                continue
            digest.update(str(file.relative_to(path.parent)).encode())
            digest.update(file_sha256(file).encode())
    return digest.hexdigest()[:16]


class Checkpoints:
    """The last checkpoint of one long computation: a single file, replaced atomically.

    Saving takes at most the share `most` of the time, by what the last saving took.
    """

    def __init__(self, folder: Path, most: float = 1.0) -> None:
        self.path, self.most = folder / FILE, most
        self.saved, self.cost = time.monotonic(), 0.0  # seconds

    def save(self, state: dict[str, Any]) -> None:
        """Write a state of tensors, numbers, strings, lists and dicts; a kill leaves the old file or the new one."""
        with new_file(self.path) as unfinished, open(unfinished, "wb") as file:
            try:
                torch.save(state, file)
            except RuntimeError as error:  # torch's, over the system's error that it came upon
                raise error.__context__ or error from None
            file.flush()
            os.fsync(file.fileno())
        self.saved = time.monotonic()

    def save_when_due(self, minutes: float, state: Callable[[], dict[str, Any]]) -> None:
        """Save what `state` gives where the last time, or the start, is so long ago, and `most` allows it."""
        started = time.monotonic()
        if started - self.saved >= max(60 * minutes, self.cost * (1 / self.most - 1)):
            self.save(state())
            self.cost = self.saved - started

    def load(self) -> dict[str, Any] | None:
        """The last state saved, None where there is none. Code in the file is never run."""
        if not self.path.is_file():
            return None
        try:
            return torch.load(self.path, map_location="cpu", weights_only=True)
        except (RuntimeError, EOFError, pickle.UnpicklingError) as error:
            raise HeadshrinkError(f"cannot read {self.path}: delete it to start afresh") from error

    def remove_others(self) -> None:
        """Remove the folders beside this one: checkpoints of the same computation with other parameters or inputs."""
        own = self.path.parent
        for other in own.parent.glob("*"):
            if other != own:
                shutil.rmtree(other)
