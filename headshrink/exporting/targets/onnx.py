"""ONNX in fp32: pooling, dense layers and normalisation inside the graph, the tokenizer beside it.

onnxruntime and tokenizers are all that a user of the folder needs.
"""

from functools import partial
from pathlib import Path

import onnx

from headshrink.exporting.graph_encoder import TOKENIZER, write_tokenizer
from headshrink.exporting.onnx_encoder import GRAPH, OnnxEncoder
from headshrink.exporting.targets._base import Embed, graph_target
from headshrink.model import SentenceEncoder


def save(graph: onnx.ModelProto, encoder: SentenceEncoder, folder: Path) -> None:
    """Write a graph of the encoder, quantised or not, and its tokenizer.json."""
    folder.mkdir(parents=True, exist_ok=True)
    onnx.save(graph, folder / GRAPH)
    write_tokenizer(encoder, folder / TOKENIZER)


def open_folder(folder: Path) -> Embed:
    return OnnxEncoder(folder).encode


SNIPPET = """
import numpy as np
import onnxruntime
from tokenizers import Tokenizer

tokenizer = Tokenizer.from_file("{place}/tokenizer.json")
session = onnxruntime.InferenceSession("{place}/model.onnx")
rows = tokenizer.encode_batch(["a cat sleeps", "кошка спит"])
ids = np.array([row.ids for row in rows])
mask = np.array([row.attention_mask for row in rows])
(embeddings,) = session.run(["sentence_embedding"], {"input_ids": ids, "attention_mask": mask})
print(embeddings @ embeddings.T)
"""  # padding, truncation, pooling and normalisation are in the two files

FILES = r"model\.onnx|tokenizer\.json"
NEEDS = ("numpy", "onnxruntime", "tokenizers")

onnx_target = partial(graph_target, snippet=SNIPPET, save=save, open=open_folder, needs=NEEDS, files=FILES)

TARGET = onnx_target("ONNX", "onnx")
