"""ONNX in fp32: pooling, dense layers and normalisation inside the graph, the tokenizer beside it.

onnxruntime and tokenizers are all that a user of the folder needs.
"""

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import onnx
import torch
from tokenizers import Tokenizer

from headshrink.export.onnx_encoder import GRAPH, INPUTS, OUTPUT, TOKENIZER, OnnxEncoder
from headshrink.export.targets._base import DEFAULTS, Embed, Options, Target
from headshrink.model import SentenceEncoder, pad_ids

EXAMPLES = ([2, 5, 3], [2, 5, 5, 5, 3])  # any two rows of different length: batch and tokens stay free in the graph


def write(encoder: SentenceEncoder, folder: Path, options: Options = DEFAULTS) -> None:
    """Write the graph and its tokenizer.json."""
    folder.mkdir(parents=True, exist_ok=True)
    onnx.save(to_graph(encoder), folder / GRAPH)
    write_tokenizer(encoder, folder / TOKENIZER)


def to_graph(encoder: SentenceEncoder) -> onnx.ModelProto:
    """The encoder as a graph from input_ids and attention_mask, int64 [batch, tokens], to float32 embeddings.

    Attention is exported as plain matrix products ("eager"): the fused operator's export guards against rows without
    any token, which no sentence is, at the price of two more passes over the attention map.
    """
    ids, mask = pad_ids([[i % encoder.backbone.config.vocab_size for i in row] for row in EXAMPLES], 0)
    free = {0: "batch", 1: "tokens"}
    with quiet(), eager_attention(encoder), torch.inference_mode():
        program = torch.onnx.export(
            encoder.eval(),
            (ids, mask),
            dynamo=True,
            verbose=False,
            input_names=list(INPUTS),
            output_names=[OUTPUT],
            dynamic_shapes=(free, free),
        )
    assert program is not None
    return without_traces(program.model_proto)


@contextmanager
def eager_attention(encoder: SentenceEncoder) -> Iterator[None]:
    """Attention as plain matrix products for a while."""
    before = encoder.backbone.config._attn_implementation
    encoder.backbone.set_attn_implementation("eager")
    try:
        yield
    finally:
        encoder.backbone.set_attn_implementation(before)


@contextmanager
def quiet() -> Iterator[None]:
    """Silence the exporter's warnings, which are about its own internals."""
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)


def without_traces(model: onnx.ModelProto) -> onnx.ModelProto:
    """Drop the exporter's metadata, in place: stack traces with this machine's paths, which also change the bytes."""
    graph = model.graph
    del graph.value_info[:]  # shapes of inner values, which onnxruntime infers again
    for part in (model, graph, *graph.node, *graph.initializer, *graph.input, *graph.output):
        part.doc_string = ""
        del part.metadata_props[:]
    return model


def write_tokenizer(encoder: SentenceEncoder, path: Path) -> None:
    """The tokenizer with truncation and padding switched on, so that `encode_batch` gives what the graph takes."""
    tokenizer = Tokenizer.from_str(encoder.tokenizer.backend_tokenizer.to_str())
    tokenizer.enable_truncation(encoder.max_length)
    tokenizer.enable_padding(pad_id=encoder.tokenizer.pad_token_id, pad_token=encoder.tokenizer.pad_token)
    tokenizer.save(str(path))


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
(embeddings,) = session.run(None, {"input_ids": ids, "attention_mask": mask})
print(embeddings @ embeddings.T)
"""  # padding, truncation, pooling and normalisation are in the two files

TARGET = Target("ONNX", SNIPPET.replace("{place}", "onnx"), place="onnx", write=write, open=open_folder)
