"""Embedding texts with an exported OpenVINO folder through openvino and tokenizers alone."""

from pathlib import Path
from queue import SimpleQueue
from threading import Lock
from typing import Any

import numpy as np

from headshrink.cores import cores
from headshrink.errors import HeadshrinkError, joined
from headshrink.exporting.graph_encoder import INPUTS, TOKENIZER, GraphEncoder, read_tokenizer

MODEL = "model.xml"  # its weights are in model.bin
FP32 = "f32"  # the default on a processor with bf16 instructions would be bf16
FIRST_CALL = Lock()  # of the whole process: see `first_call`


class OpenVinoEncoder(GraphEncoder):
    """An exported OpenVINO folder, with the `encode` of SentenceEncoder, on so many cores (None: all).

    Activations are computed in fp32 whatever the processor offers, so that a folder gives the same embeddings
    everywhere; `precision` "bf16" allows half of them. Raises HeadshrinkError where openvino is not installed, or the
    model or tokenizer is missing or damaged.
    """

    def __init__(self, folder: str | Path, workers: int | None = None, precision: str = FP32) -> None:
        folder, workers = Path(folder), workers or cores()
        compiled = compile_model(folder / MODEL, threads=workers, streams=workers, precision=precision)
        free: SimpleQueue[Any] = SimpleQueue()
        for _ in range(workers):
            free.put(compiled.create_infer_request())

        def run(ids: np.ndarray, mask: np.ndarray) -> np.ndarray:
            request = free.get()
            try:
                found: np.ndarray = request.infer({INPUTS[0]: ids, INPUTS[1]: mask})[0]
                return found.copy()
            finally:
                free.put(request)

        dimension = compiled.output(0).get_partial_shape()[1].get_length()
        super().__init__(run, dimension, read_tokenizer(folder / TOKENIZER), workers)


def compile_model(path: Path, threads: int, streams: int = 1, precision: str = FP32) -> Any:
    """A model compiled for this processor: `streams` requests at a time on so many threads together; 0 is all cores.

    Raises HeadshrinkError for a file that is no model, and for a model of other inputs or outputs than an export's.
    """
    options = {"INFERENCE_NUM_THREADS": threads, "NUM_STREAMS": streams, "INFERENCE_PRECISION_HINT": precision}
    core = openvino().Core()
    try:
        compiled = core.compile_model(path, "CPU", options)
        check_interface(compiled, path)
        first_call(compiled)
    except RuntimeError as error:
        reason = joined(error)
        raise HeadshrinkError(f"cannot open {path} ({reason}): an exported OpenVINO model is needed") from error
    return compiled


def check_interface(compiled: Any, path: Path) -> None:
    """Raise HeadshrinkError where the model does not take ids and mask or does not give one embedding per text."""
    inputs, shape = {port.get_any_name() for port in compiled.inputs}, compiled.output(0).get_partial_shape()
    if inputs != set(INPUTS) or shape.rank.get_length() != 2:
        raise HeadshrinkError(
            f"{path} takes {', '.join(sorted(inputs))} and gives {shape}: {' and '.join(INPUTS)}, and one embedding "
            "per text are needed, as headshrink exports them"
        )


def first_call(compiled: Any) -> None:
    """Embed one token, alone in the process.

    Two concurrent first calls of `infer` can block each other for ever; later calls never do.
    """
    token = np.ones((1, 1), dtype=np.int64)
    with FIRST_CALL:
        compiled.create_infer_request().infer(dict.fromkeys(INPUTS, token))


def openvino() -> Any:
    """The runtime, which is an optional dependency."""
    try:
        import openvino
    except ImportError as error:
        raise HeadshrinkError("OpenVINO models need openvino: pip install 'headshrink[openvino]'") from error
    return openvino
