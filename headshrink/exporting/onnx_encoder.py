"""Embedding texts with an exported ONNX folder through onnxruntime and tokenizers alone."""

from pathlib import Path

import numpy as np

from headshrink.cores import cores
from headshrink.exporting.graph_encoder import TOKENIZER, GraphEncoder, read_tokenizer
from headshrink.graph import interface, open_session

GRAPH = "model.onnx"


class OnnxEncoder(GraphEncoder):
    """An exported ONNX folder, with the `encode` of SentenceEncoder, on so many cores (None: all).

    Raises HeadshrinkError where the graph or tokenizer is missing or damaged, or the graph gives no embedding.
    """

    def __init__(self, folder: str | Path, workers: int | None = None) -> None:
        folder = Path(folder)
        session = open_session(folder / GRAPH, threads=1)
        graph = interface(session, folder / GRAPH)

        def run(ids: np.ndarray, mask: np.ndarray) -> np.ndarray:
            return graph.run(session, [graph.embedding], ids, mask)[0]

        super().__init__(run, graph.dimension, read_tokenizer(folder / TOKENIZER), workers or cores())
