"""A sentence encoder: BERT backbone, pooling, dense layers, normalisation, as its modules.json says."""

import copy
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor, nn
from transformers import BertModel, PreTrainedTokenizerBase
from transformers.models.bert.modeling_bert import BertPooler

from headshrink.errors import HeadshrinkError
from headshrink.model.batch import TokenBatch
from headshrink.model.precision import at_least_fp32, autocast
from headshrink.padding import length_batches
from headshrink.progress import track
from headshrink.truncation import truncated_ids

POOLINGS = ("cls", "mean", "max", "mean_sqrt_len_tokens", "pooler")


def token_ids(tokenizer: PreTrainedTokenizerBase, texts: Sequence[str], max_tokens: int) -> list[list[int]]:
    """Token ids of each text, special tokens included, cut at `max_tokens` on the tokenizer's side."""

    def encode(parts: list[str]) -> list[list[int]]:
        ids: list[list[int]] = tokenizer(parts, truncation=True, max_length=max_tokens)["input_ids"]
        return ids

    backend = getattr(tokenizer, "backend_tokenizer", None)  # none of a tokenizer in Python
    return truncated_ids(encode, backend, texts, max_tokens, tokenizer.truncation_side)


def pool(states: Tensor, mask: Tensor, pooling: str) -> Tensor:
    """Pool hidden states [batch, tokens, hidden] under a 0/1 mask [batch, tokens] into [batch, hidden].

    `pooling` is one of POOLINGS that have no weights: all but "pooler".
    """
    if pooling == "cls":
        return states[:, 0]
    weights = mask.unsqueeze(-1).to(states.dtype)
    if pooling == "max":
        return states.masked_fill(weights == 0, torch.finfo(states.dtype).min).amax(1)
    tokens = weights.sum(1).clamp(min=1e-9)
    return (states * weights).sum(1) / (tokens.sqrt() if pooling == "mean_sqrt_len_tokens" else tokens)


class UnitLength(nn.Module):
    """Normalisation between dense layers; the last one is SentenceEncoder's `normalise`."""

    def forward(self, vectors: Tensor) -> Tensor:
        return nn.functional.normalize(vectors, dim=-1)


@dataclass(frozen=True)
class Settings:
    """config_sentence_transformers.json: how a model's embeddings are meant to be used; the defaults are the library's.

    The prompt that `default_prompt_name` names stands before every text; an embedding is cut after `truncate_dim`
    dimensions, and not normalised again.
    """

    prompts: dict[str, str] = field(default_factory=lambda: {"query": "", "document": ""})
    default_prompt_name: str | None = None
    similarity_fn_name: str = "cosine"
    truncate_dim: int | None = None

    @property
    def prompt(self) -> str:
        """The default prompt; empty without one."""
        return self.prompts[self.default_prompt_name] if self.default_prompt_name is not None else ""


class SentenceEncoder(nn.Module):
    """A BERT backbone with what turns its hidden states into one vector a sentence.

    `pooling` is one of POOLINGS; "pooler" is the backbone's own (LaBSE's). `dense` are the modules after it, Linear and
    activation in turn, UnitLength where sentence-transformers normalises before a dense layer; `normalise` scales to
    unit length at the end; `max_length` in tokens, special tokens included.
    """

    def __init__(
        self,
        backbone: BertModel,
        tokenizer: PreTrainedTokenizerBase,
        pooling: str = "mean",
        dense: nn.Sequential | None = None,
        normalise: bool = True,
        max_length: int = 128,
        settings: Settings | None = None,
    ) -> None:
        super().__init__()
        if pooling == "pooler" and backbone.pooler is None:
            raise HeadshrinkError("pooling = pooler: the model has no pooler; give a model with one, or cls")
        self.backbone, self.tokenizer = backbone, tokenizer
        self.pooling, self.normalise, self.max_length = pooling, normalise, max_length
        self.dense = nn.Sequential() if dense is None else dense
        self.settings = settings or Settings()

    def with_backbone(self, backbone: BertModel) -> "SentenceEncoder":
        """An encoder with another backbone, and copies of what comes after it."""
        dense = copy.deepcopy(self.dense)
        rest = (self.tokenizer, self.pooling, dense, self.normalise, self.max_length, self.settings)
        return SentenceEncoder(backbone, *rest).to(self.device).train(self.training)

    @property
    def full_dimension(self) -> int:
        """Length of one embedding before it is cut at `truncate_dim`."""
        linears = [module for module in self.dense if isinstance(module, nn.Linear)]
        return linears[-1].out_features if linears else self.backbone.config.hidden_size

    @property
    def dimension(self) -> int:
        """Length of one embedding."""
        return min(self.full_dimension, self.settings.truncate_dim or self.full_dimension)

    @property
    def pad_id(self) -> int:
        """The token id that fills short rows of a batch; a folder without one is refused when it is read."""
        pad_id = self.tokenizer.pad_token_id
        if not isinstance(pad_id, int):
            raise TypeError(f"pad_token_id is {pad_id!r}, not one id")
        return pad_id

    @property
    def device(self) -> torch.device:
        return self.backbone.device

    @property
    def pooler(self) -> BertPooler | None:
        """The backbone's pooler where it makes the embedding: Linear and tanh over [CLS]; None with another pooling."""
        return self.backbone.pooler if self.pooling == "pooler" else None

    def embed(self, states: Tensor, mask: Tensor, pooler_output: Tensor | None = None) -> Tensor:
        """Sentence embeddings [batch, dimension] from last hidden states [batch, tokens, hidden] and a 0/1 mask.

        `pooler_output` [batch, hidden] is the pooler's of these states where the backbone has computed it already.
        """
        if self.pooler is None:
            pooled = pool(states, mask, self.pooling)
        else:
            pooled = self.pooler(states) if pooler_output is None else pooler_output
        vectors = self.dense(pooled)
        whole = nn.functional.normalize(vectors, dim=-1) if self.normalise else vectors
        length = self.settings.truncate_dim
        return whole if length is None else whole[..., :length]

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        """Sentence embeddings [batch, dimension] of padded ids and their 0/1 mask, both [batch, tokens]."""
        output = self.backbone(input_ids=input_ids, attention_mask=attention_mask)
        return self.embed(output.last_hidden_state, attention_mask, output.pooler_output)

    def run_backbone(self, batch: TokenBatch, precision: str = "fp32") -> tuple[Tensor, Tensor | None]:
        """Last hidden states [sentences, tokens, hidden] and the pooler's output, None without a pooler.

        The pass runs on the encoder's device in `precision`, "fp32" or "bf16".
        """
        ids, mask = batch.input_ids.to(self.device), batch.attention_mask.to(self.device)
        with autocast(precision, self.device):
            output = self.backbone(input_ids=ids, attention_mask=mask)
        return output.last_hidden_state, output.pooler_output

    def hidden_states(self, batch: TokenBatch, precision: str = "fp32") -> Tensor:
        """Last hidden states [sentences, tokens, hidden], in fp32 at least, of a pass in `precision`."""
        return at_least_fp32(self.run_backbone(batch, precision)[0])

    def embed_batch(self, batch: TokenBatch, precision: str = "fp32") -> Tensor:
        """Embeddings [sentences, dimension] of a batch: the backbone in `precision`, pooling and after it in fp32."""
        return self.embed(self.hidden_states(batch, precision), batch.attention_mask.to(self.device))

    def tokenise(self, texts: Sequence[str], most: int | None = None) -> list[list[int]]:
        """Token ids of each text after the default prompt, special tokens included.

        Cut at `max_length`, and at `most` tokens where that is fewer.
        """
        prompt, limit = self.settings.prompt, min(self.max_length, most or self.max_length)
        return token_ids(self.tokenizer, [prompt + text for text in texts] if prompt else texts, limit)

    @torch.inference_mode()
    def encode(self, texts: Sequence[str], batch_size: int = 32, progress: bool = False) -> np.ndarray:
        """Embed texts in batches of similar length: float32 [texts, dimension], in the order given.

        Runs in eval mode whatever mode the encoder is in, and leaves that mode as it was.
        """
        was_training = self.training
        self.eval()
        ids = self.tokenise(texts) if texts else []
        out = np.empty((len(ids), self.dimension), dtype=np.float32)
        batches: Sequence[list[int]] = list(length_batches([len(row) for row in ids], batch_size))
        for batch in track(batches, "encoding") if progress else batches:
            tokens = TokenBatch.from_rows([ids[i] for i in batch], self.tokenizer.pad_token_id)
            out[batch] = self.embed_batch(tokens).float().cpu().numpy()
        self.train(was_training)
        return out
