"""Embedding texts with an exported ONNX folder through onnxruntime and tokenizers alone."""

from pathlib import Path

import numpy as np
import onnxruntime
from onnxruntime.capi import onnxruntime_pybind11_state as state

from headshrink.cores import cores
from headshrink.errors import HeadshrinkError
from headshrink.exporting.graph_encoder import TOKENIZER, GraphEncoder, read_tokenizer
from headshrink.graph import interface

GRAPH = "model.onnx"
LEVELS = {
    "NONE": onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL,
    "BASIC": onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC,
    "EXTENDED": onnxruntime.GraphOptimizationLevel.ORT_ENABLE_EXTENDED,
    "ALL": onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL,
}
DAMAGED = (state.Fail, state.InvalidGraph, state.InvalidProtobuf, state.NoSuchFile, state.InvalidArgument,
           state.NotImplemented, state.RuntimeException)  # fmt: skip


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


def open_session(graph: Path | bytes, threads: int, level: str = "ALL") -> onnxruntime.InferenceSession:
    """A session on an exported graph, on so many threads; 0 is all cores. `level`: of LEVELS, how far it is optimised.

    HeadshrinkError where it cannot be opened.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3  # errors
    options.graph_optimization_level = LEVELS[level]
    try:
        return onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
    except DAMAGED as error:
        reason = str(error).split("\n", 1)[0][:200]
        name = graph if isinstance(graph, Path) else "a graph"
        raise HeadshrinkError(f"cannot open {name} ({reason}): an exported graph is needed") from error
