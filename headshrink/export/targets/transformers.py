"""Transformers folder with sentence-transformers modules, and no code of ours where the shape allows it."""

from pathlib import Path

from transformers import AutoModel, BertConfig, BertModel

from headshrink.export.targets._base import DEFAULTS, Embed, Options, Target
from headshrink.model import PrunedBertConfig, SentenceEncoder, load_encoder, save_encoder

OWN_KEYS = ("head_size", "heads_per_layer", "ffn_per_layer", "embedding_rank", "has_pooler", "words_alone", "auto_map")


def write(encoder: SentenceEncoder, folder: Path, options: Options = DEFAULTS) -> None:
    """Write the folder: a stock BertModel where one has this shape, else a PrunedBertModel with its code beside."""
    save_encoder(as_stock(encoder) or encoder, folder)


def as_stock(encoder: SentenceEncoder) -> SentenceEncoder | None:
    """The encoder on a stock BertModel sharing its weights, or None where BertConfig cannot express its shape.

    It can where every layer has the same heads, these fill the hidden width, and the FFNs are equally wide: layers
    cut as a whole, and uniform FFN.
    """
    config = encoder.backbone.config
    if not isinstance(config, PrunedBertConfig):
        return encoder
    shape = config.to_dict()
    heads, neurons = set(shape["heads_per_layer"]), set(shape["ffn_per_layer"])
    uniform = len(heads) == len(neurons) == 1 and 0 not in heads | neurons and not config.embedding_rank
    if not uniform or max(heads) * shape["head_size"] != config.hidden_size:
        return None
    plain = {key: value for key, value in shape.items() if key not in (*OWN_KEYS, "model_type")}
    plain |= {"num_attention_heads": heads.pop(), "intermediate_size": neurons.pop()}
    plain["num_hidden_layers"] = len(shape["heads_per_layer"])
    backbone = BertModel(BertConfig.from_dict(plain), add_pooling_layer=encoder.backbone.pooler is not None)
    backbone.load_state_dict(encoder.backbone.state_dict())
    stock = SentenceEncoder(
        backbone, encoder.tokenizer, encoder.pooling, encoder.dense, encoder.normalise, encoder.max_length
    )
    return stock.eval()


def open_folder(folder: Path) -> Embed:
    """Load the folder by AutoModel, as its users will, with pooling and tokenizer from its files."""
    encoder = load_encoder(folder)
    pooler = encoder.backbone.pooler is not None  # a stock model invents a random one where the file holds none
    encoder.backbone = AutoModel.from_pretrained(folder, add_pooling_layer=pooler).eval()
    return encoder.encode


SNIPPET = """
from sentence_transformers import SentenceTransformer

model = SentenceTransformer("."{trust})
embeddings = model.encode(["a cat sleeps", "кошка спит"])
print(embeddings @ embeddings.T)
"""

TARGET = Target("sentence-transformers", SNIPPET, place="", write=write, open=open_folder)
