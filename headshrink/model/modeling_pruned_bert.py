"""BERT whose layers differ in width: heads and FFN neurons counted per layer, any of them down to none.

One self-contained file: an exported student carries a copy of it, so that `trust_remote_code=True` opens the folder
where headshrink is not installed. It adds shapes to transformers' BertModel and no computation of its own.
"""

from collections.abc import Iterator
from itertools import repeat
from typing import Any

import torch
from torch import nn
from transformers import BertConfig, BertModel


class PrunedBertConfig(BertConfig):
    """Configuration of a BERT with per-layer widths.

    `heads_per_layer[i]` heads of `head_size` and `ffn_per_layer[i]` neurons make layer i; 0 leaves only that block's
    output bias and LayerNorm. `embedding_rank` (None: dense table) factorises the word embeddings into
    [vocabulary, rank] times [rank, hidden], as ALBERT does. `has_pooler` keeps a checkpoint without a pooler from
    getting one of random weights. `words_alone` leaves word vectors and nothing else below the layers: no positions,
    types or LayerNorm; without layers that is a static model. `shared_layers` gives all layers the first one's weights.
    """

    model_type = "pruned_bert"

    head_size: int = 64
    heads_per_layer: list[int] | None = None
    ffn_per_layer: list[int] | None = None
    embedding_rank: int | None = None
    has_pooler: bool = True
    words_alone: bool = False
    shared_layers: bool = False


class FactorisedEmbedding(nn.Module):
    """Word embeddings as a product: ids -> [rank] -> [hidden] (ALBERT, Lan et al. 2020, section 3.1)."""

    def __init__(self, vocab_size: int, rank: int, hidden_size: int, padding_idx: int | None) -> None:
        super().__init__()
        self.table = nn.Embedding(vocab_size, rank, padding_idx=padding_idx)
        self.projection = nn.Linear(rank, hidden_size, bias=False)

    def forward(self, input_ids: torch.Tensor) -> torch.Tensor:  # [batch, tokens] -> [batch, tokens, hidden]
        words: torch.Tensor = self.projection(self.table(input_ids))
        return words


class WordsAlone(nn.Module):
    """Embeddings of a static model: a vector a word, whatever its place."""

    def __init__(self, config: PrunedBertConfig) -> None:
        super().__init__()
        self.word_embeddings = nn.Embedding(config.vocab_size, config.hidden_size, padding_idx=config.pad_token_id)

    def forward(
        self, input_ids: torch.Tensor | None = None, inputs_embeds: torch.Tensor | None = None, **kwargs: object
    ) -> torch.Tensor:
        return self.word_embeddings(input_ids) if inputs_embeds is None else inputs_embeds


class Bias(nn.Module):
    """What is left of a linear layer without inputs: its bias."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.bias = nn.Parameter(torch.zeros(size))


class NoHeads(nn.Module):
    """Self-attention of a layer that has lost all its heads: nothing to attend with, nothing computed."""

    def forward(self, hidden_states: torch.Tensor, *args: object, **kwargs: object) -> tuple[torch.Tensor, None]:
        return hidden_states, None


class NoNeurons(nn.Module):
    """First linear and activation of an FFN that has lost all its neurons."""

    def forward(self, hidden_states: torch.Tensor) -> torch.Tensor:
        return hidden_states


class EmptyBlockOutput(nn.Module):
    """Output of an emptied block: LayerNorm(residual + output bias), exactly what closed gates compute."""

    def __init__(self, hidden_size: int, eps: float) -> None:
        super().__init__()
        self.dense = Bias(hidden_size)
        self.LayerNorm = nn.LayerNorm(hidden_size, eps=eps)

    def forward(self, hidden_states: torch.Tensor, input_tensor: torch.Tensor) -> torch.Tensor:
        states: torch.Tensor = self.LayerNorm(input_tensor + self.dense.bias)
        return states


def shape_layer(layer: Any, config: PrunedBertConfig, heads: int, neurons: int) -> None:
    """Give one layer of a fresh model its width, in place."""
    hidden, width = config.hidden_size, heads * config.head_size
    attention = layer.attention
    if heads:
        own = attention.self
        own.num_attention_heads, own.attention_head_size, own.all_head_size = heads, config.head_size, width
        own.scaling = config.head_size**-0.5
        own.query, own.key, own.value = (nn.Linear(hidden, width) for _ in range(3))
        attention.output.dense = nn.Linear(width, hidden)
    else:
        attention.self = NoHeads()
        attention.output = EmptyBlockOutput(hidden, config.layer_norm_eps)
    if neurons:
        layer.intermediate.dense = nn.Linear(hidden, neurons)
        layer.output.dense = nn.Linear(neurons, hidden)
    else:
        layer.intermediate = NoNeurons()
        layer.output = EmptyBlockOutput(hidden, config.layer_norm_eps)


class Repeated(nn.ModuleList):
    """One layer that stands in several places (ALBERT): a list of so many, which holds one."""

    def __init__(self, layer: nn.Module, times: int) -> None:
        super().__init__()
        self.add_module("0", layer)
        self.times = times

    def __len__(self) -> int:
        return self.times

    def __getitem__(self, place: Any) -> Any:
        return list(self)[place]

    def __iter__(self) -> Iterator[nn.Module]:
        return repeat(self.get_submodule("0"), self.times)


class PrunedBertModel(BertModel):
    """BertModel with the widths of a PrunedBertConfig; same inputs, outputs and parameter names."""

    config_class = PrunedBertConfig

    def __init__(self, config: PrunedBertConfig, add_pooling_layer: bool = True) -> None:
        # BertSelfAttention derives its head size from hidden_size; a cut hidden width need not divide by the heads,
        # so the stock layers are built with one head and shaped below.
        heads, config.num_attention_heads = config.num_attention_heads, 1
        super().__init__(config, add_pooling_layer=add_pooling_layer and config.has_pooler)
        config.num_attention_heads = heads
        widths = zip(self.encoder.layer, config.heads_per_layer or [], config.ffn_per_layer or [], strict=True)
        for layer, layer_heads, neurons in widths:
            shape_layer(layer, config, layer_heads, neurons)
        if config.shared_layers:
            self.encoder.layer = Repeated(self.encoder.layer[0], config.num_hidden_layers)
        if config.words_alone:
            self.embeddings = WordsAlone(config)  # type: ignore[assignment]
        if config.embedding_rank:
            factors = (config.vocab_size, config.embedding_rank, config.hidden_size, config.pad_token_id)
            self.embeddings.word_embeddings = FactorisedEmbedding(*factors)  # type: ignore[assignment]
        BertModel.post_init(self)
