"""Transformers folder with sentence-transformers modules, and no code of ours where the shape allows it."""

import copy
import re
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModel, BertConfig, BertModel

from headshrink.exporting.graph import Original
from headshrink.exporting.targets._base import DEFAULTS, Embed, Options, Target
from headshrink.model import (
    PrunedBertConfig,
    SentenceEncoder,
    load_encoder,
    modeling_bilstm,
    modeling_pruned_bert,
    save_encoder,
)

OWN_KEYS = (
    "head_size", "heads_per_layer", "ffn_per_layer", "embedding_rank", "has_pooler", "words_alone", "shared_layers",
    "auto_map",
)  # fmt: skip


def write(model: Original, folder: Path, options: Options = DEFAULTS) -> None:
    """Write the folder: a stock BertModel where one has this shape, else a PrunedBertModel with its code beside."""
    save_encoder(as_stock(model.encoder) or model.encoder, folder)


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
    uniform = len(heads) == len(neurons) == 1 and 0 not in heads | neurons
    if config.embedding_rank or config.shared_layers:
        return None
    if not uniform or max(heads) * shape["head_size"] != config.hidden_size:
        return None
    plain = {key: value for key, value in shape.items() if key not in (*OWN_KEYS, "model_type")}
    plain |= {"num_attention_heads": heads.pop(), "intermediate_size": neurons.pop()}
    plain["num_hidden_layers"] = len(shape["heads_per_layer"])
    backbone = BertModel(BertConfig.from_dict(plain), add_pooling_layer=encoder.backbone.pooler is not None)
    backbone.load_state_dict(encoder.backbone.state_dict())
    return encoder.with_backbone(backbone).eval()


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

CODE = {path.name: path for path in (Path(modeling_bilstm.__file__), Path(modeling_pruned_bert.__file__))}
FILES = "|".join(
    [
        r"config\.json|model\.safetensors|modules\.json|(sentence_bert_config|config_sentence_transformers)\.json",
        r"tokenizer\.json|tokenizer_config\.json|special_tokens_map\.json|vocab\.txt",
        r"\d+_(Pooling|Dense|Normalize)/(config\.json|model\.safetensors)",
        *map(re.escape, CODE),
    ]
)
NEEDS = ("torch", "transformers", "sentence-transformers")

TARGET = Target("sentence-transformers", SNIPPET, "", write, open_folder, NEEDS, FILES)


def half_target(name: str, dtype: torch.dtype) -> Target:
    """The same folder with weights in half the bits, in `transformers_NAME`.

    It opens in fp32 here and in its snippet: on most processors the halves compute no faster, and less exactly.
    """
    place = f"transformers_{name}"
    snippet = SNIPPET.replace('"."', f'"{place}", model_kwargs={{"dtype": "float32"}}')

    def write_half(model: Original, folder: Path, options: Options = DEFAULTS) -> None:
        save_encoder(in_dtype(as_stock(model.encoder) or model.encoder, dtype), folder)

    title = f"sentence-transformers in {name}"
    return Target(title, snippet, place, write_half, open_half, NEEDS, FILES, lossless=False)


def in_dtype(encoder: SentenceEncoder, dtype: torch.dtype) -> SentenceEncoder:
    """A copy of an encoder with weights of another type; pooling's dense layers, which are small, stay fp32."""
    backbone: Any = copy.deepcopy(encoder.backbone)
    backbone.to(dtype)
    backbone.config.dtype = dtype
    return encoder.with_backbone(backbone).eval()


def open_half(folder: Path) -> Embed:
    """Load the folder in fp32."""
    return load_encoder(folder).encode
