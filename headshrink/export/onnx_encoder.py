"""Embedding texts with an exported ONNX folder through onnxruntime and tokenizers alone."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnxruntime
from onnxruntime.capi.onnxruntime_pybind11_state import Fail, InvalidGraph, InvalidProtobuf, NoSuchFile
from tokenizers import Tokenizer

from headshrink.errors import HeadshrinkError

GRAPH = "model.onnx"
TOKENIZER = "tokenizer.json"
INPUTS = ("input_ids", "attention_mask")
OUTPUT = "sentence_embedding"


class OnnxEncoder:
    """An exported ONNX folder, with the `encode` of SentenceEncoder.

    `threads` 0 lets onnxruntime use all cores. Raises HeadshrinkError where the graph or tokenizer is missing or
    damaged.
    """

    def __init__(self, folder: str | Path, threads: int = 0) -> None:
        folder = Path(folder)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.log_severity_level = 3  # errors
        try:
            self.session = onnxruntime.InferenceSession(folder / GRAPH, options, providers=["CPUExecutionProvider"])
        except (Fail, InvalidGraph, InvalidProtobuf, NoSuchFile) as error:
            reason = str(error).split("\n", 1)[0][:200]
            raise HeadshrinkError(f"cannot open {folder / GRAPH} ({reason}): an exported graph is needed") from error
        self.tokenizer = read_tokenizer(folder / TOKENIZER)

    @property
    def dimension(self) -> int:
        """Length of one embedding."""
        return self.session.get_outputs()[0].shape[1]

    def encode(self, texts: Sequence[str], batch_size: int = 32) -> np.ndarray:
        """Embed texts in batches of similar length: float32 [texts, dimension], in the order given."""
        out: np.ndarray = np.empty((len(texts), self.dimension), dtype=np.float32)
        order = sorted(range(len(texts)), key=lambda i: -len(texts[i]))
        for start in range(0, len(order), batch_size):
            batch = order[start : start + batch_size]
            out[batch] = self.embed([texts[i] for i in batch])
        return out

    def embed(self, texts: Sequence[str]) -> np.ndarray:
        """Embed one batch: float32 [texts, dimension]."""
        rows = self.tokenizer.encode_batch(list(texts))
        feed = {
            INPUTS[0]: np.array([row.ids for row in rows], dtype=np.int64),
            INPUTS[1]: np.array([row.attention_mask for row in rows], dtype=np.int64),
        }
        return self.session.run([OUTPUT], feed)[0]


def read_tokenizer(path: Path) -> Tokenizer:
    """An exported tokenizer.json, which truncates and pads by itself."""
    if not path.is_file():
        raise HeadshrinkError(f"no {path.name} in {path.parent}: an exported graph and its tokenizer belong together")
    try:
        return Tokenizer.from_file(str(path))
    except Exception as error:  # tokenizers raises no narrower class
        raise HeadshrinkError(f"cannot read {path} ({error}): an exported {path.name} is needed") from error
