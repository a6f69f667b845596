"""The embedding table and what has a row for each of its rows: of an encoder in memory, and in files."""

import copy
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn
from transformers import AutoConfig, AutoModel, PreTrainedModel

from headshrink.errors import HeadshrinkError, joined
from headshrink.model import SentenceEncoder
from headshrink.model.checkpoint import current_name
from headshrink.trimming.select import Selection


def rows_of(table: Tensor, selection: Selection) -> Tensor:
    """The rows of a table [old tokens, ...], of a bias or of a matrix, in the order of the new ids."""
    rows = table[torch.from_numpy(selection.old_ids).clamp(min=0).to(table.device)]
    for new, old in selection.means.items():
        rows[new] = table[old].float().mean(0).to(rows.dtype)
    return rows


def embedding_of(backbone: nn.Module) -> nn.Embedding:
    """The table of the input embeddings, the left factor of a product; HeadshrinkError where there is none."""
    found = backbone.get_input_embeddings()  # type: ignore[operator]
    table = getattr(found, "table", found)
    if not isinstance(table, nn.Embedding):
        raise HeadshrinkError(f"the input embeddings of {type(backbone).__name__} are no table: nothing can be trimmed")
    return table


def check_rows(rows: int, tokens: int) -> None:
    if rows < tokens:
        raise HeadshrinkError(f"the embedding table has {rows} rows, the tokenizer {tokens} tokens: as many are needed")


def new_settings(config: Mapping[str, Any], selection: Selection) -> dict[str, int | None]:
    """The size and the ids of special tokens of a config with the selected tokens; None for an id that it never had."""
    new_ids = selection.new_ids()
    ids = {name: new_ids.get(value) for name, value in config.items() if is_id(name, value)}
    return {"vocab_size": len(selection.tokens)} | ids


def config_ids(config: Mapping[str, Any], tokens: int) -> set[int]:
    """The ids of a config that the vocabulary has."""
    return {value for name, value in config.items() if is_id(name, value) and 0 <= value < tokens}


def is_id(name: str, value: object) -> bool:
    return name.endswith("_token_id") and isinstance(value, int)


def with_selected_rows(encoder: SentenceEncoder, selection: Selection) -> SentenceEncoder:
    """An encoder over the selected tokens, its tokenizer still the old one; the given encoder stays as it is."""
    old = embedding_of(encoder.backbone)
    check_rows(old.num_embeddings, 1 + int(selection.old_ids.max()))
    pad = selection.new_ids().get(-1 if old.padding_idx is None else old.padding_idx)
    rows = rows_of(old.weight.detach(), selection)
    new = nn.Embedding.from_pretrained(rows, freeze=not old.weight.requires_grad, padding_idx=pad)
    backbone = copy.deepcopy(encoder.backbone, {id(old): new})  # the old table itself is never copied
    for name, value in new_settings(backbone.config.to_dict(), selection).items():
        setattr(backbone.config, name, value)
    return encoder.with_backbone(backbone)


def read_skeleton(folder: Path) -> PreTrainedModel:
    """The model that a folder's config.json describes, without memory; HeadshrinkError for one that is unknown."""
    try:
        config = AutoConfig.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
        with torch.device("meta"):
            skeleton: PreTrainedModel = AutoModel.from_config(config, trust_remote_code=False)
    except Exception as error:  # of many classes; all say that the config is not one of transformers' own
        raise HeadshrinkError(f"{folder / 'config.json'} is no model of transformers ({joined(error)})") from error
    return skeleton


def trim_weights(files: Sequence[Path], skeleton: PreTrainedModel, selection: Selection, path: Path) -> None:
    """Write safetensors files as one, in their own types, with the selected rows.

    Rows go from the table, from tensors that the skeleton ties to it, and from those of a head over the vocabulary:
    tensors that are no part of the encoder and have as many rows. Raises HeadshrinkError where there is no table.
    """
    embedding = embedding_of(skeleton)
    names = {name for name, value in skeleton.named_parameters(remove_duplicate=False) if value is embedding.weight}
    tensors, rows = read_tensors(files), embedding.num_embeddings
    own = {name: current_name(name).removeprefix(f"{skeleton.base_model_prefix}.") for name in tensors}
    if not any(own[name] in names and len(tensors[name]) == rows for name in tensors):
        raise HeadshrinkError(f"{files[0]} holds no {min(names)} of {rows} rows: the embedding table is needed")
    check_rows(rows, 1 + int(selection.old_ids.max()))
    others = skeleton.state_dict().keys() - names
    save_rows(tensors, {name for name in tensors if own[name] not in others}, rows, selection, path)


def trim_head(file: Path, rows: int, selection: Selection, path: Path) -> None:
    """Write a head over a vocabulary of so many rows with the selected ones."""
    tensors = read_tensors([file])
    save_rows(tensors, tensors.keys(), rows, selection, path)


def save_rows(
    tensors: Mapping[str, Tensor], over_vocabulary: Collection[str], rows: int, selection: Selection, path: Path
) -> None:
    """Write tensors; of the named ones that have so many rows, the selected ones."""
    kept = {
        name: rows_of(value, selection) if name in over_vocabulary and value.dim() and len(value) == rows else value
        for name, value in tensors.items()
    }
    save_file({name: value.contiguous() for name, value in kept.items()}, path, metadata={"format": "pt"})


def read_tensors(files: Sequence[Path]) -> dict[str, Tensor]:
    """The tensors of safetensors files in their own types, memory-mapped."""
    tensors: dict[str, Tensor] = {}
    for path in files:
        try:
            with safe_open(path, framework="pt") as file:
                tensors |= {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        except (SafetensorError, OSError) as error:
            raise HeadshrinkError(f"cannot read {path} ({error}): a whole safetensors file is needed") from error
    return tensors
