"""Embedding texts with an exported ONNX folder through onnxruntime and tokenizers alone."""

from pathlib import Path

import numpy as np
import onnxruntime
from onnxruntime.capi import onnxruntime_pybind11_state as state

from headshrink.cores import cores
from headshrink.errors import HeadshrinkError
from headshrink.export.graph_encoder import INPUTS, OUTPUT, TOKENIZER, GraphEncoder, read_tokenizer

GRAPH = "model.onnx"
DAMAGED = (state.Fail, state.InvalidGraph, state.InvalidProtobuf, state.NoSuchFile, state.InvalidArgument,
           state.NotImplemented, state.RuntimeException)  # fmt: skip


class OnnxEncoder(GraphEncoder):
    """An exported ONNX folder, with the `encode` of SentenceEncoder, on so many cores (None: all).

    Raises HeadshrinkError where the graph or tokenizer is missing or damaged.
    """

    def __init__(self, folder: str | Path, workers: int | None = None) -> None:
        folder = Path(folder)
        session = open_session(folder / GRAPH, threads=1)

        def run(ids: np.ndarray, mask: np.ndarray) -> np.ndarray:
            return session.run([OUTPUT], {INPUTS[0]: ids, INPUTS[1]: mask})[0]

        super().__init__(run, session.get_outputs()[0].shape[1], read_tokenizer(folder / TOKENIZER), workers or cores())


def open_session(graph: Path, threads: int) -> onnxruntime.InferenceSession:
    """A session on an exported graph, on so many threads; 0 is all cores. HeadshrinkError where it cannot be opened."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3  # errors
    try:
        return onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
    except DAMAGED as error:
        reason = str(error).split("\n", 1)[0][:200]
        raise HeadshrinkError(f"cannot open {graph} ({reason}): an exported graph is needed") from error
