"""ONNX in int8, about a quarter of the bytes: linear layers and the embedding table, dynamically quantised."""

from pathlib import Path

import onnx

from headshrink.export.onnx_encoder import GRAPH, TOKENIZER
from headshrink.export.quantise import quantise
from headshrink.export.targets._base import DEFAULTS, Options, Target
from headshrink.export.targets.onnx import SNIPPET, open_folder, to_graph, write_tokenizer
from headshrink.model import SentenceEncoder


def write(encoder: SentenceEncoder, folder: Path, options: Options = DEFAULTS) -> None:
    """Write the quantised graph and its tokenizer.json."""
    folder.mkdir(parents=True, exist_ok=True)
    onnx.save(quantise(to_graph(encoder), options.reduce_range), folder / GRAPH)
    write_tokenizer(encoder, folder / TOKENIZER)


TARGET = Target(
    title="ONNX in int8",
    snippet=SNIPPET.replace("{place}", "onnx_int8"),
    place="onnx_int8",
    write=write,
    open=open_folder,
    lossless=False,
)
