"""Weights that exist only as PyTorch pickles, turned into safetensors once."""

import json
import os
import pickle
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file

from headshrink.errors import HeadshrinkError
from headshrink.model.folder import WEIGHTS, read_config

PICKLED = "pytorch_model.bin"


def weight_places(folder: Path) -> list[Path]:
    """The folders that hold weights: the model's own and that of each Dense module."""
    listing = folder / "modules.json"
    modules = json.loads(listing.read_text(encoding="utf-8")) if listing.is_file() else []
    return [folder, *(folder / module["path"] for module in modules if module["type"].endswith(".Dense"))]


def pickled_places(folder: Path) -> list[Path]:
    """The pickles that stand where a safetensors file should."""
    places = weight_places(folder)
    return [place / PICKLED for place in places if (place / PICKLED).is_file() and not (place / WEIGHTS).is_file()]


def converted(folder: Path, pickled: Sequence[Path], target: Path) -> Path:
    """A copy of a model folder whose pickled weights are safetensors; other files are linked where links work.

    Raises HeadshrinkError where a pickle is damaged, or holds anything but tensors.
    """
    read_config(folder)  # refuse what is no BERT before reading its weights
    shutil.copytree(folder, target, copy_function=link, ignore=shutil.ignore_patterns("*.bin", "onnx", "openvino"))
    for file in pickled:
        convert(file, target / file.parent.relative_to(folder) / WEIGHTS)
    return target


def link(source: str, target: str) -> None:
    """Symbolic link to a file, or its copy on a file system without links."""
    try:
        os.symlink(os.path.realpath(source), target)
    except OSError:
        shutil.copyfile(source, target)


def convert(pickled: Path, target: Path) -> None:
    """One state dict from pickle to safetensors.

    Tensors are cloned: an MLM head shares the embedding table's memory, which safetensors does not store.
    """
    save_file({name: tensor.clone() for name, tensor in read_pickle(pickled).items()}, target)


def read_pickle(pickled: Path) -> dict[str, torch.Tensor]:
    """A pickled state dict, through PyTorch's reader that admits tensors and no code."""
    try:
        state: Any = torch.load(pickled, map_location="cpu", weights_only=True)
        return {name: tensor.contiguous() for name, tensor in state.items()}
    except (pickle.UnpicklingError, RuntimeError, EOFError, AttributeError) as error:
        reason = str(error).split("\n", 1)[0][:200]
        raise HeadshrinkError(f"cannot read {pickled} ({reason}): a whole pickle of tensors alone is needed") from error
