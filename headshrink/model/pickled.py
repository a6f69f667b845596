"""Weights that exist only as PyTorch pickles, or nowhere, in a folder like the one given as safetensors."""

import os
import pickle
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Tensor

from headshrink.errors import HeadshrinkError, first_line
from headshrink.model.allowed import MODULE_CONFIGS, dense_places, read_listing
from headshrink.model.files import INDEX, WEIGHTS, damaged, inside, read_json

SAFE = (WEIGHTS, INDEX)
PICKLED = "pytorch_model.bin"
PICKLED_INDEX = "pytorch_model.bin.index.json"
READ = (  # the files at the top of a folder that decide what its model is
    "config.json", "modules.json", MODULE_CONFIGS, "config_sentence_transformers.json", "tokenizer.json",
    "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json", "vocab.txt", "sentencepiece*.model",
    WEIGHTS, INDEX, "model-*.safetensors",
)  # fmt: skip


def weight_places(folder: Path) -> list[Path]:
    """The folders that hold weights: the model's own and that of each Dense module."""
    return [folder, *dense_places(folder)]


def pickled_places(folder: Path) -> list[Path]:
    """The pickles, or indices of several, that stand where safetensors should."""
    places = [place for place in weight_places(folder) if not any((place / name).is_file() for name in SAFE)]
    found = (place / name for place in places for name in (PICKLED, PICKLED_INDEX))
    return [path for path in found if path.is_file()]


def with_weights(folder: Path, weights: Mapping[Path, Mapping[str, Tensor]], target: Path) -> Path:
    """What decides a model of a checked folder, in another one, with the weights given for some of its folders.

    Files are linked where links work.
    """
    copy_read(folder, target)
    for place, tensors in weights.items():
        file = target / place.relative_to(folder) / WEIGHTS
        file.unlink(missing_ok=True)
        save_file({name: tensor.clone() for name, tensor in tensors.items()}, file, {"format": "pt"})
    return target


def copy_read(folder: Path, target: Path) -> None:
    """Link the files of a folder that a model is read from, those of its modules included, and no others."""
    target.mkdir(parents=True)
    for path in (path for pattern in READ for path in folder.glob(pattern)):
        link(path, target / path.name)
    for _, place in read_listing(folder)[1:]:
        to = target / place.relative_to(folder)
        to.mkdir(parents=True, exist_ok=True)
        for name in ("config.json", WEIGHTS):
            if (place / name).is_file():
                link(inside(folder, str((place / name).relative_to(folder))), to / name)


def link(source: Path, target: Path) -> None:
    """Hard link to a file, or its copy on another file system. A symbolic link would lead out of the new folder."""
    try:
        os.link(source.resolve(), target)
    except OSError:
        shutil.copyfile(source, target)


def read_pickle(pickled: Path) -> dict[str, Tensor]:
    """A pickled state dict, or those that an index names, through PyTorch's reader that admits tensors and no code."""
    if pickled.name == PICKLED_INDEX:
        names = read_json(pickled, dict).get("weight_map")
        if not isinstance(names, dict):
            raise damaged(pickled, "no weight_map")
        parts = [inside(pickled.parent, str(name), pickled) for name in sorted(set(names.values()))]
        return {name: tensor for part in parts for name, tensor in read_pickle(part).items()}
    try:
        state: Any = torch.load(pickled, map_location="cpu", weights_only=True)
        return {name: tensor.contiguous() for name, tensor in state.items()}
    except (pickle.UnpicklingError, RuntimeError, EOFError, AttributeError, OSError) as error:
        message = f"cannot read {pickled} ({first_line(error)}): a whole pickle of tensors alone is needed"
        raise HeadshrinkError(message) from error
