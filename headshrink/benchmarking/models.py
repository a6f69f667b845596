"""A model as the benchmark sees it: token ids in, every pooling of one forward pass out."""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from transformers import PreTrainedTokenizerBase

from headshrink.benchmarking import clocks, size
from headshrink.errors import HeadshrinkError
from headshrink.graph import feed, interface, open_session
from headshrink.hashing import file_sha256
from headshrink.model import SentenceEncoder, TokenBatch, load_encoder
from headshrink.model.checkpoint import own_weight_files
from headshrink.model.encoder import pool, token_ids
from headshrink.model.files import WEIGHTS
from headshrink.model.folder import read_tokenizer
from headshrink.padding import padded

GRAPH = "model.onnx"
STATES = "token_embeddings"  # as sentence-transformers' exports and ours name a graph's last hidden states
MAX_TOKENS = "max_tokens"  # in the metadata of our exports: the longest text they take
UNSTATED_TOKENS = 128  # of a graph from elsewhere: as long as a sentence may be here
OWN = "own"  # a model's own pooling where it is none of the protocol's
NORMALISED = "_norm"
HASHED = ("*.json", "*.txt", "*.safetensors", "*.onnx", "*.onnx.data", "*.model")


class Model(Protocol):
    """What the benchmark asks of a model.

    `poolings` are the plain ones it has, of cls, mean and pooler; the normalised ones follow from them. `own` names
    the pooling that the model was made for, normalised or not, or is OWN. `longest` is its limit in tokens, `sha256`
    covers its files in `folder`, `device` is the type of device that it computes on.
    """

    name: str
    folder: Path
    sha256: str
    tokenizer: PreTrainedTokenizerBase
    longest: int
    poolings: tuple[str, ...]
    own: str

    @property
    def device(self) -> str: ...

    def tokenise(self, texts: Sequence[str], most: int) -> list[list[int]]:
        """Token ids of texts as the model's users have them, default prompt included, cut at `most` or earlier."""
        ...

    def pooled(self, ids: Sequence[Sequence[int]]) -> dict[str, NDArray[np.float32]]:
        """Plain poolings of a batch of token ids, and OWN where that is another; [batch, dimension] each."""
        ...

    def states(self, ids: Sequence[Sequence[int]]) -> NDArray[np.float32]:
        """Last hidden states of a batch of token ids, [batch, tokens, hidden]."""
        ...

    def timed(self, ids: Tensor, threads: int | None) -> Callable[[], float]:
        """A call that embeds full rows of ids [batch, tokens] on so many CPU threads and returns its seconds."""
        ...

    def to(self, device: torch.device) -> None:
        """Move to a device; a model of one device stays there."""
        ...

    def size(self) -> dict[str, float]:
        """What the model costs on any machine: bytes, parameters and operations, as far as they can be counted."""
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
    """The protocol's name for what the encoder computes; OWN where the protocol has no such pooling."""
    if encoder.settings.truncate_dim or len(encoder.dense) or encoder.pooling not in ("cls", "mean", "pooler"):
        return OWN
    return encoder.pooling + (NORMALISED if encoder.normalise else "")


class TorchModel:
    """A SentenceEncoder under the benchmark; a pooler that its checkpoint lacks counts as none."""

    def __init__(self, name: str, encoder: SentenceEncoder, folder: Path, sha256: str = "") -> None:
        self.name, self.folder, self.sha256, self.encoder = name, folder, sha256, encoder.eval()
        self.tokenizer = encoder.tokenizer
        self.longest = min(encoder.tokenizer.model_max_length, encoder.backbone.config.max_position_embeddings)
        pooler = () if encoder.backbone.pooler is None else ("pooler",)
        self.poolings: tuple[str, ...] = ("cls", "mean", *pooler)
        self.own = own_pooling(encoder)

    @property
    def device(self) -> str:
        return self.encoder.device.type

    def tokenise(self, texts: Sequence[str], most: int) -> list[list[int]]:
        return self.encoder.tokenise(texts, most)

    @torch.inference_mode()
    def pooled(self, ids: Sequence[Sequence[int]]) -> dict[str, NDArray[np.float32]]:
        batch = TokenBatch.from_rows(ids, self.tokenizer.pad_token_id).to(self.encoder.device)
        (states, pooled), mask = self.encoder.run_backbone(batch), batch.attention_mask
        found = {"cls": states[:, 0], "mean": pool(states, mask, "mean")}
        if pooled is not None:
            found["pooler"] = pooled
        if self.own == OWN:
            found[OWN] = self.encoder.embed(states, mask)
        return {pooling: vectors.float().cpu().numpy() for pooling, vectors in found.items()}

    @torch.inference_mode()
    def states(self, ids: Sequence[Sequence[int]]) -> NDArray[np.float32]:
        batch = TokenBatch.from_rows(ids, self.tokenizer.pad_token_id)
        return self.encoder.hidden_states(batch).float().cpu().numpy()

    def timed(self, ids: Tensor, threads: int | None) -> Callable[[], float]:
        ids, mask = ids.to(self.encoder.device), torch.ones_like(ids).to(self.encoder.device)

        @torch.inference_mode()
        def call() -> None:
            self.encoder(ids, mask)

        if self.encoder.device.type == "cuda":
            return lambda: clocks.cuda_seconds(call)
        return lambda: clocks.cpu_seconds(call, threads)

    def to(self, device: torch.device) -> None:
        self.encoder.to(device)

    def size(self) -> dict[str, float]:
        return size.of_encoder(self.encoder) | size.of_weights(own_weight_files(self.folder))


class OnnxModel:
    """An exported graph under the benchmark: its embedding, and poolings of its hidden states if it gives them."""

    device = "cpu"

    def __init__(self, name: str, folder: Path, sha256: str = "") -> None:
        self.name, self.folder, self.sha256 = name, folder, sha256
        self.tokenizer = read_tokenizer(folder)
        cut = self.tokenizer.backend_tokenizer.truncation or {}
        self.cut = int(cut.get("max_length", UNSTATED_TOKENS))
        self.tokenizer.truncation_side = cut.get("direction", self.tokenizer.truncation_side).lower()
        self.session = open_session(folder / GRAPH, threads=1)
        self.longest = int(self.session.get_modelmeta().custom_metadata_map.get(MAX_TOKENS, UNSTATED_TOKENS))
        self.graph = interface(self.session, folder / GRAPH)
        self.embedding = self.graph.embedding
        others = [output.name for output in self.session.get_outputs()]
        self.poolings: tuple[str, ...] = ("cls", "mean") if STATES in others else ()
        self.own = OWN

    def tokenise(self, texts: Sequence[str], most: int) -> list[list[int]]:
        return token_ids(self.tokenizer, texts, min(most, self.longest, self.cut))

    def outputs(self, ids: Sequence[Sequence[int]], names: list[str]) -> tuple[list[NDArray[np.float32]], Tensor]:
        """Outputs of a batch of token ids, and its mask [batch, tokens]."""
        token_ids, mask = padded(ids, self.tokenizer.pad_token_id)
        return self.graph.run(self.session, names, token_ids, mask), torch.from_numpy(mask)

    def pooled(self, ids: Sequence[Sequence[int]]) -> dict[str, NDArray[np.float32]]:
        (own, *states), mask = self.outputs(ids, [self.embedding, STATES] if self.poolings else [self.embedding])
        return {OWN: own} | {name: pool(torch.from_numpy(states[0]), mask, name).numpy() for name in self.poolings}

    def states(self, ids: Sequence[Sequence[int]]) -> NDArray[np.float32]:
        if not self.poolings:
            raise HeadshrinkError(f"{self.folder} gives no {STATES}: leave ne1 and ne2, which score words, out")
        return self.outputs(ids, [STATES])[0][0]

    def timed(self, ids: Tensor, threads: int | None) -> Callable[[], float]:
        session = open_session(self.folder / GRAPH, threads or 0)
        arrays = feed(self.graph.inputs, ids.numpy(), np.ones(ids.shape, dtype=np.int64))
        return lambda: clocks.cpu_seconds(lambda: session.run([self.embedding], arrays), threads)

    def to(self, device: torch.device) -> None:
        """ONNX graphs are run on the CPU."""

    def size(self) -> dict[str, float]:
        return size.of_weights(self.folder.glob("model.onnx*"))


def open_model(folder: Path, name: str, device: str | torch.device = "cpu") -> Model:
    """A model folder under the benchmark: transformers with or without sentence-transformers modules, or ONNX.

    A folder that holds both counts as transformers; its ONNX form is the subfolder that holds the graph. Raises
    HeadshrinkError as `load_encoder`.
    """
    if (folder / GRAPH).is_file() and not (folder / WEIGHTS).is_file():
        return OnnxModel(name, folder, folder_sha256(folder))
    return TorchModel(name, load_encoder(folder).to(device), folder, folder_sha256(folder))


def find_folder(source: str) -> Path:
    """The folder of a model named by path or by hub id, `id@revision` for a fixed commit, fetched if need be.

    Raises HeadshrinkError where there is neither.
    """
    if Path(source).is_dir():
        return Path(source)
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    name, _, revision = source.partition("@")
    try:
        return Path(snapshot_download(name, revision=revision or None, allow_patterns=[*HASHED]))
    except (HFValidationError, HfHubHTTPError, LocalEntryNotFoundError, OSError) as error:
        reason = str(error).strip().split("\n", 1)[0]
        raise HeadshrinkError(f"no model {source} ({reason}): give a model folder or a hub id") from error
