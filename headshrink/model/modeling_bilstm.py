"""A bidirectional LSTM over word vectors: the student of BERT in Tang et al. 2019, as a transformers model.

An exported student carries a copy of this file and of the one it imports, so that `trust_remote_code=True` opens the
folder where headshrink is not installed. It takes and gives what a BertModel does, without its attention.
"""

import torch
from torch import nn
from transformers import BertConfig, BertModel
from transformers.modeling_outputs import BaseModelOutputWithPoolingAndCrossAttentions

from .modeling_pruned_bert import FactorisedEmbedding


class BiLstmConfig(BertConfig):
    """Configuration of a BiLSTM: `num_hidden_layers` of them, each `hidden_size` wide, a half for either direction.

    `embedding_rank` (None: dense table) factorises the word embeddings.
    """

    model_type = "bilstm"

    embedding_rank: int | None = None


class Words(nn.Module):
    """Word vectors, normalised; a BiLSTM needs no positions."""

    def __init__(self, config: BiLstmConfig) -> None:
        super().__init__()
        vocabulary, hidden, pad = config.vocab_size, config.hidden_size, config.pad_token_id
        if config.embedding_rank:
            self.word_embeddings: nn.Module = FactorisedEmbedding(vocabulary, config.embedding_rank, hidden, pad)
        else:
            self.word_embeddings = nn.Embedding(vocabulary, hidden, padding_idx=pad)
        self.LayerNorm = nn.LayerNorm(hidden, eps=config.layer_norm_eps)
        self.dropout = nn.Dropout(config.hidden_dropout_prob)

    def forward(self, input_ids: torch.Tensor) -> torch.Tensor:  # [batch, tokens] -> [batch, tokens, hidden]
        words: torch.Tensor = self.dropout(self.LayerNorm(self.word_embeddings(input_ids)))
        return words


class BidirectionalLayer(nn.Module):
    """One layer: an LSTM from the left and one from the right, their states side by side."""

    def __init__(self, hidden_size: int) -> None:
        super().__init__()
        self.from_left, self.from_right = (nn.LSTM(hidden_size, hidden_size // 2, batch_first=True) for _ in range(2))

    def forward(self, states: torch.Tensor, order: torch.Tensor) -> torch.Tensor:
        from_right = self.from_right(taken(states, order))[0]
        return torch.cat([self.from_left(states)[0], taken(from_right, order)], dim=-1)


class BiLstm(nn.Module):
    """Layers one above the other. `layer` holds none with attention, for what looks for heads to cut or compare."""

    def __init__(self, config: BiLstmConfig) -> None:
        super().__init__()
        self.layer = nn.ModuleList()
        self.lstms = nn.ModuleList(BidirectionalLayer(config.hidden_size) for _ in range(config.num_hidden_layers))

    def forward(self, states: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        order = reversed_order(attention_mask)
        for lstm in self.lstms:
            states = lstm(states, order)
        return states


def reversed_order(attention_mask: torch.Tensor) -> torch.Tensor:
    """Where each place of a sentence is when it is read from its own end, [batch, tokens, 1]; padding stays behind it.

    Turning the padded row as a whole would have the LSTM read the padding first.
    """
    lengths = attention_mask.sum(1, keepdim=True)
    places = torch.arange(attention_mask.shape[1], device=attention_mask.device)[None]
    return torch.where(places < lengths, lengths - 1 - places, places)[..., None]


def taken(states: torch.Tensor, places: torch.Tensor) -> torch.Tensor:
    return states.gather(1, places.expand(-1, -1, states.shape[-1]))


class BiLstmModel(BertModel):
    """A BiLSTM in the place of BertModel's embeddings and encoder. Padding must be on the right."""

    config_class = BiLstmConfig

    def __init__(self, config: BiLstmConfig, add_pooling_layer: bool = False) -> None:
        layers, config.num_hidden_layers = config.num_hidden_layers, 0
        super().__init__(config, add_pooling_layer=False)
        config.num_hidden_layers = layers
        self.embeddings = Words(config)  # type: ignore[assignment]
        self.encoder = BiLstm(config)  # type: ignore[assignment]
        BertModel.post_init(self)

    def forward(
        self, input_ids: torch.Tensor, attention_mask: torch.Tensor | None = None, **kwargs: object
    ) -> BaseModelOutputWithPoolingAndCrossAttentions:
        mask = torch.ones_like(input_ids) if attention_mask is None else attention_mask
        states = self.encoder(self.embeddings(input_ids), mask)
        return BaseModelOutputWithPoolingAndCrossAttentions(last_hidden_state=states)
