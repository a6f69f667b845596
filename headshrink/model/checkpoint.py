"""Names and shapes of a folder's weights, compared with what its config files describe."""

from collections.abc import Iterable, Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn

from headshrink.errors import HeadshrinkError
from headshrink.model.allowed import dense_places, refused
from headshrink.model.files import INDEX, WEIGHTS, damaged, inside, read_json

TensorShape = tuple[int, ...]
HEADS = ("cls.", "classifier.", "qa_outputs.", "dropout.")  # of tasks; no part of an encoder
BUFFERS = ("embeddings.position_ids", "embeddings.token_type_ids")  # which old checkpoints saved
OLD_NAMES = {"LayerNorm.gamma": "LayerNorm.weight", "LayerNorm.beta": "LayerNorm.bias"}  # of TensorFlow


def weight_files(folder: Path) -> list[Path]:
    """The files that hold a folder's weights: one, or those that its index names; HeadshrinkError without."""
    if (folder / WEIGHTS).is_file():
        return [folder / WEIGHTS]
    index = folder / INDEX
    if not index.is_file():
        raise HeadshrinkError(f"no {WEIGHTS} in {folder}: weights must be in safetensors")
    names = read_json(index, dict).get("weight_map")
    if not isinstance(names, dict) or not all(isinstance(name, str) for name in names.values()):
        raise damaged(index, "no weight_map")
    files = [inside(folder, name, index) for name in sorted(set(names.values()))]
    for file in files:
        if file.parent != folder or file.suffix != ".safetensors":
            raise damaged(index, f"{file.name} is no safetensors file of this folder")
    return files


def own_weight_files(folder: Path) -> list[Path]:
    """The files of a model's own weights, backbone and Dense modules: no other form and no MLM head in its folder."""
    return [file for place in [folder, *dense_places(folder)] for file in weight_files(place)]


def read_shapes(files: list[Path]) -> dict[str, TensorShape]:
    """Names and shapes of all tensors, from the headers alone."""
    shapes: dict[str, TensorShape] = {}
    for path in files:
        try:
            with safe_open(path, framework="pt") as file:
                found = {name: tuple(file.get_slice(name).get_shape()) for name in file.keys()}  # noqa: SIM118
        except (SafetensorError, OSError) as error:
            raise HeadshrinkError(f"cannot read {path} ({error}): a whole safetensors file is needed") from error
        if twice := shapes.keys() & found.keys():
            raise damaged(path, f"{min(twice)} is in two files")
        shapes |= found
    return shapes


def current_name(name: str) -> str:
    """A parameter's name today, from the names that transformers still reads."""
    for old, new in OLD_NAMES.items():
        if name.endswith(old):
            return name.removesuffix(old) + new
    return name


def own_names(names: Iterable[str]) -> dict[str, str]:
    """BertModel's name of each weight of a checkpoint (with or without the prefix `bert.`); task heads are left out."""
    own = {name: current_name(name.removeprefix("bert.")) for name in names if not name.startswith(HEADS)}
    return {name: current for name, current in own.items() if current not in BUFFERS}


def check_weights(folder: Path, skeleton: nn.Module) -> bool:
    """Compare a folder's checkpoint with a model that has a pooler if its architecture has one.

    Returns whether the checkpoint holds the pooler. Raises HeadshrinkError where another weight is missing, none of the
    model's, or of another shape.
    """
    files = weight_files(folder)
    shapes = read_shapes(files)
    found = {own: shapes[name] for name, own in own_names(shapes).items()}
    wanted = {name: tuple(value.shape) for name, value in skeleton.state_dict().items()}
    pooler = any(name.startswith("pooler.") for name in found)
    if not pooler:
        wanted = {name: shape for name, shape in wanted.items() if not name.startswith("pooler.")}
    check_fit(files[0], found, wanted)
    return pooler


def check_dense(folder: Path, hidden_size: int) -> None:
    """Compare the Dense modules' weights with their configs, and these with the dimension that each is given."""
    given = hidden_size
    for place in dense_places(folder):
        shapes = dense_shapes(place)
        out_features, in_features = shapes["linear.weight"]
        if in_features != given:
            raise refused(place / "config.json", "in_features", in_features, f"{given}, as the module before gives")
        check_fit(place / WEIGHTS, read_shapes(weight_files(place)), shapes)
        given = out_features


def dense_shapes(place: Path) -> dict[str, TensorShape]:
    """Names and shapes of a Dense module's weights by its config."""
    config = read_json(place / "config.json", dict)
    shapes: dict[str, TensorShape] = {"linear.weight": (config["out_features"], config["in_features"])}
    return shapes | ({"linear.bias": (config["out_features"],)} if config.get("bias", True) else {})


def check_fit(path: Path, found: Mapping[str, TensorShape], wanted: Mapping[str, TensorShape]) -> None:
    """Raises HeadshrinkError where the weights found in a file are not those that a model wants."""
    faults = [f"{name} is missing" for name in wanted if name not in found]
    faults += [f"{name} is unexpected" for name in found if name not in wanted]
    faults += [
        f"{name} has the shape {list(found[name])}, not {list(wanted[name])}"
        for name in wanted
        if name in found and found[name] != wanted[name]
    ]
    if faults:
        more = f" and {len(faults) - 2} more" if len(faults) > 2 else ""
        raise HeadshrinkError(f"{path} does not fit its config.json: {'; '.join(faults[:2])}{more}")


def check_finite(path: Path, weights: Mapping[str, Tensor]) -> None:
    """Raises HeadshrinkError with the first weight that holds a NaN or an infinity."""
    for name, value in weights.items():
        if not bool(torch.isfinite(value).all()):
            raise HeadshrinkError(f"{path}: {name} holds values that are not finite: allowed are finite weights")
