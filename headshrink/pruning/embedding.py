"""The embedding table as a product of two thin ones, exact where words are frequent."""

import torch
from torch import Tensor

from headshrink.errors import HeadshrinkError
from headshrink.model import SentenceEncoder
from headshrink.model.modeling_pruned_bert import FactorisedEmbedding
from headshrink.pruning.cut import as_pruned_config, empty_model


def factorise(encoder: SentenceEncoder, rank: int, counts: Tensor) -> SentenceEncoder:
    """A new encoder whose word embeddings [vocabulary, hidden] are [vocabulary, rank] times [rank, hidden].

    `counts` [vocabulary] are the tokens' frequencies in some text: the product has the least squared error over that
    text, every token counted once more so that none is given up. Raises HeadshrinkError for a rank that saves nothing
    and for a table that is a product already.
    """
    words = encoder.backbone.embeddings.word_embeddings
    if not isinstance(words, torch.nn.Embedding):
        raise HeadshrinkError("the embedding table is factorised already: cut its vocabulary or hidden width instead")
    vocabulary, hidden = words.weight.shape
    if not 0 < rank < vocabulary * hidden / (vocabulary + hidden):
        most = (vocabulary * hidden - 1) // (vocabulary + hidden)
        raise HeadshrinkError(
            f"embedding rank {rank} saves nothing on [{vocabulary}, {hidden}]: allowed are 1 to {most}"
        )
    config = as_pruned_config(encoder)
    config.embedding_rank = rank
    backbone = empty_model(config)
    state = encoder.backbone.state_dict()
    table, projection = low_rank(state.pop("embeddings.word_embeddings.weight"), rank, counts)
    state["embeddings.word_embeddings.table.weight"] = table
    state["embeddings.word_embeddings.projection.weight"] = projection.T.contiguous()
    backbone.load_state_dict(state)
    assert isinstance(backbone.embeddings.word_embeddings, FactorisedEmbedding)
    return encoder.with_backbone(backbone)


def low_rank(table: Tensor, rank: int, counts: Tensor) -> tuple[Tensor, Tensor]:
    """Factors [rows, rank] and [rank, columns] of least error, rows weighted by counts + 1 (Eckart and Young 1936).

    The right factor spans the leading eigenvectors of the weighted second moment; the left one is each row's own
    best fit, its orthogonal projection.
    """
    weights = counts.double() + 1
    rows = table.double()
    moment = (rows * weights[:, None]).T @ rows
    leading = torch.linalg.eigh(moment).eigenvectors[:, -rank:]
    return (rows @ leading).to(table), leading.T.to(table)
