"""A model as the benchmark sees it: token ids in, every pooling of one forward pass out."""

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from transformers import PreTrainedTokenizerBase

from headshrink.benchmark.read import file_sha256
from headshrink.model import SentenceEncoder, load_encoder, pad_ids
from headshrink.model.encoder import pool

OWN = "own"  # a model's own pooling where it is none of the protocol's
NORMALISED = "_norm"
HASHED = ("*.json", "*.txt", "*.safetensors", "*.onnx", "*.onnx.data", "*.model")


class Model(Protocol):
    """What the benchmark asks of a model.

    `poolings` are the plain ones it has, of cls, mean and pooler; the normalised ones follow from them. `own` names
    the pooling that the model was made for, normalised or not, or is OWN. `sha256` covers its files.
    """

    name: str
    sha256: str
    tokenizer: PreTrainedTokenizerBase
    longest: int
    poolings: tuple[str, ...]
    own: str

    def pooled(self, ids: Sequence[Sequence[int]]) -> dict[str, NDArray[np.float32]]:
        """Plain poolings of a batch of token ids, and OWN where that is another; [batch, dimension] each."""
        ...

    def states(self, ids: Sequence[Sequence[int]]) -> NDArray[np.float32]:
        """Last hidden states of a batch of token ids, [batch, tokens, hidden]."""
        ...


def variants(model: Model) -> Iterator[str]:
    """Every pooling that a task is evaluated at: plain and normalised, then OWN where the model has one."""
    for pooling in model.poolings:
        yield pooling
        yield pooling + NORMALISED
    if model.own == OWN:
        yield OWN


def folder_sha256(folder: Path) -> str:
    """SHA-256 over the names and bytes of a model folder's files (config, tokenizer, modules, weights)."""
    digest = hashlib.sha256()
    for path in sorted({path for pattern in HASHED for path in folder.rglob(pattern)}):
        digest.update(f"{path.relative_to(folder)} {file_sha256(path)}\n".encode())
    return digest.hexdigest()


def own_pooling(encoder: SentenceEncoder) -> str:
    """The protocol's name for what the encoder computes; OWN where the protocol has no such pooling.

    LaBSE's modules (cls, then a dense layer and tanh) are its pooler written out, so they count as `pooler` as long as
    the two hold the same weights.
    """
    suffix = NORMALISED if encoder.normalise else ""
    if not len(encoder.dense) and encoder.pooling in ("cls", "mean"):
        return encoder.pooling + suffix
    return "pooler" + suffix if _is_pooler(encoder) else OWN


def _is_pooler(encoder: SentenceEncoder) -> bool:
    pooler = encoder.backbone.pooler
    if pooler is None or encoder.pooling != "cls" or len(encoder.dense) != 2:
        return False
    linear, activation = encoder.dense
    if not isinstance(linear, nn.Linear) or not isinstance(activation, nn.Tanh) or linear.bias is None:
        return False
    return torch.equal(linear.weight, pooler.dense.weight) and torch.equal(linear.bias, pooler.dense.bias)


class TorchModel:
    """A SentenceEncoder under the benchmark; a pooler that its checkpoint lacks counts as none."""

    def __init__(self, name: str, encoder: SentenceEncoder, sha256: str = "") -> None:
        self.name, self.sha256, self.encoder = name, sha256, encoder.eval()
        self.tokenizer = encoder.tokenizer
        self.longest = min(encoder.tokenizer.model_max_length, encoder.backbone.config.max_position_embeddings)
        pooler = () if encoder.backbone.pooler is None else ("pooler",)
        self.poolings: tuple[str, ...] = ("cls", "mean", *pooler)
        self.own = own_pooling(encoder)

    @torch.inference_mode()
    def pooled(self, ids: Sequence[Sequence[int]]) -> dict[str, NDArray[np.float32]]:
        padded, mask = (tensor.to(self.encoder.device) for tensor in pad_ids(ids, self.tokenizer.pad_token_id))
        output = self.encoder.backbone(input_ids=padded, attention_mask=mask)
        states = output.last_hidden_state
        found = {"cls": states[:, 0], "mean": pool(states, mask, "mean")}
        if "pooler" in self.poolings:
            found["pooler"] = output.pooler_output
        if self.own == OWN:
            found[OWN] = self.encoder.embed(states, mask)
        return {pooling: vectors.float().cpu().numpy() for pooling, vectors in found.items()}

    @torch.inference_mode()
    def states(self, ids: Sequence[Sequence[int]]) -> NDArray[np.float32]:
        padded, mask = (tensor.to(self.encoder.device) for tensor in pad_ids(ids, self.tokenizer.pad_token_id))
        return self.encoder.backbone(input_ids=padded, attention_mask=mask).last_hidden_state.float().cpu().numpy()


def open_model(folder: Path, name: str) -> Model:
    """A model folder under the benchmark; HeadshrinkError as `load_encoder`."""
    return TorchModel(name, load_encoder(folder), folder_sha256(folder))
