"""ONNX graphs that embed texts: one way to open them, what they must take and give, and one way to run them."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from headshrink.errors import HeadshrinkError, first_line, joined

IDS, MASK, TOKEN_TYPES = "input_ids", "attention_mask", "token_type_ids"
EMBEDDING = "sentence_embedding"
INTEGERS = {"tensor(int64)": np.int64, "tensor(int32)": np.int32}


def open_session(graph: Path | bytes, threads: int, level: str = "ALL") -> Any:
    """An onnxruntime session on a graph, on so many CPU threads; 0 is all cores.

    `level` says how far the graph is optimised: NONE, BASIC, EXTENDED or ALL. Raises HeadshrinkError where the graph
    cannot be opened.
    """
    import onnxruntime  # heavy, and the benchmark of a torch folder does without

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3  # errors
    names = {"NONE": "ORT_DISABLE_ALL"}
    options.graph_optimization_level = getattr(
        onnxruntime.GraphOptimizationLevel, names.get(level, f"ORT_ENABLE_{level}")
    )
    try:
        return onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime's own exceptions share no other base
        if not type(error).__module__.startswith("onnxruntime"):
            raise
        reason = first_line(error)
        name = graph if isinstance(graph, Path) else "a graph"
        raise HeadshrinkError(f"cannot open {name} ({reason}): an exported graph is needed") from error


@dataclass(frozen=True)
class Interface:
    """How a session is called: the integer type of each input, the name of the embedding and its dimension."""

    place: Path
    inputs: dict[str, Any]
    embedding: str
    dimension: int

    def run(self, session: Any, names: Sequence[str], ids: np.ndarray, mask: np.ndarray) -> list[np.ndarray]:
        """Outputs of one batch of ids and mask [batch, tokens]; HeadshrinkError where the graph does not take it."""
        return _run(session, names, feed(self.inputs, ids, mask), self.place)


def feed(inputs: dict[str, Any], ids: np.ndarray, mask: np.ndarray) -> dict[str, np.ndarray]:
    """The inputs that a graph asks for. Every text is one segment, so its token types are zeros."""
    arrays = {IDS: ids, MASK: mask, TOKEN_TYPES: np.zeros_like(ids)}
    return {name: arrays[name].astype(kind, copy=False) for name, kind in inputs.items()}


def interface(session: Any, place: Path) -> Interface:
    """The interface of an onnxruntime session on the graph at `place`.

    Raises HeadshrinkError where texts cannot be embedded with it: other inputs, a fixed shape, or no output that is
    one embedding per text. A graph that gives hidden states alone is refused, for it does not say how to pool them.
    """
    inputs = {node.name: INTEGERS.get(node.type) for node in session.get_inputs()}
    fixed = any(isinstance(size, int) for node in session.get_inputs() for size in node.shape)
    if not {IDS, MASK} <= inputs.keys() <= {IDS, MASK, TOKEN_TYPES} or None in inputs.values() or fixed:
        shapes = ", ".join(f"{node.name} {node.type} {node.shape}" for node in session.get_inputs())
        raise HeadshrinkError(
            f"{place} takes {shapes}: {IDS}, {MASK} and, if need be, {TOKEN_TYPES} are allowed, integers of any shape"
        )
    outputs = {node.name: node for node in session.get_outputs()}
    chosen = outputs.get(EMBEDDING) or (next(iter(outputs.values())) if len(outputs) == 1 else None)
    if chosen is None or len(chosen.shape) != 2:
        shapes = ", ".join(f"{name} {node.shape}" for name, node in outputs.items())
        raise HeadshrinkError(f"{place} gives {shapes}: {EMBEDDING} [texts, dimension] is needed, pooled in the graph")
    return Interface(place, inputs, chosen.name, _dimension(session, chosen, inputs, place))


def _dimension(session: Any, output: Any, inputs: dict[str, Any], place: Path) -> int:
    """The width of an output, found by a run where the graph does not state it."""
    if isinstance(output.shape[1], int):
        return output.shape[1]
    ids = np.zeros((1, 2), dtype=np.int64)
    return _run(session, [output.name], feed(inputs, ids, np.ones_like(ids)), place)[0].shape[1]


def _run(session: Any, names: Sequence[str], arrays: dict[str, np.ndarray], place: Path) -> list[np.ndarray]:
    try:
        return session.run(list(names), arrays)
    except Exception as error:  # onnxruntime's own exceptions share no other base
        if not type(error).__module__.startswith("onnxruntime"):
            raise
        reason = joined(error)
        raise HeadshrinkError(f"{place} fails ({reason}): a graph and tokenizer of one model are needed") from error
