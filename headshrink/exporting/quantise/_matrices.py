"""The matrices of an exported graph: constants of its linear layers and its embedding table, and their exchange."""

from collections.abc import Callable, Container

import numpy as np
import onnx
from onnx import NodeProto, TensorProto, numpy_helper

from headshrink.exporting.graph_encoder import INPUTS

TABLE = "embedding table"

Constants = dict[str, TensorProto]  # by name
# (node that uses the matrix, the matrix, the graph's constants to add to) -> the nodes that take the node's place
Exchange = Callable[[NodeProto, np.ndarray, Constants], list[NodeProto]]


def matrices(model: onnx.ModelProto) -> list[str]:
    """Names of the matrices that can be quantised, in the order of computation: the table, then linear layers.

    A linear layer has its module's name, as in `layer.0.attention.self.query`; where one module stands in several
    places, its later uses add @1, @2 and so on.
    """
    constants = {tensor.name for tensor in model.graph.initializer}
    return [name for node in model.graph.node if (name := matrix_name(node, constants))]


def exchange(model: onnx.ModelProto, linear: Exchange, table: Exchange, keep: Container[str] = ()) -> onnx.ModelProto:
    """Replace every matrix but those named in `keep`, in place; what nothing uses any more goes."""
    graph = model.graph
    constants = {tensor.name: tensor for tensor in graph.initializer}
    nodes: list[NodeProto] = []
    for node in graph.node:
        name = matrix_name(node, constants)
        if name is None or name in keep:
            nodes.append(node)
        elif name == TABLE:
            nodes += table(node, numpy_helper.to_array(constants[node.input[0]]), constants)
        else:
            nodes += linear(node, numpy_helper.to_array(constants[node.input[1]]), constants)
    used = {name for node in nodes for name in node.input}
    del graph.node[:], graph.initializer[:]
    graph.node.extend(nodes)
    graph.initializer.extend(tensor for name, tensor in constants.items() if name in used)
    return model


def matrix_name(node: NodeProto, constants: Container[str]) -> str | None:
    """The name of the matrix that a node uses, or None where it uses none."""
    if node.op_type == "MatMul" and node.input[1] in constants:
        return node.name
    if node.op_type == "Gather" and node.input[0] in constants and node.input[1] == INPUTS[0]:
        return TABLE
    return None


def weights_of(node: NodeProto) -> str:
    """What the weights of a linear layer's node are called: the same for all places of a module."""
    return node.name.split("@")[0]


def add(constants: Constants, arrays: dict[str, np.ndarray]) -> None:
    """Put arrays among a graph's constants."""
    constants |= {name: numpy_helper.from_array(array, name) for name, array in arrays.items()}


def to_int8(weights: np.ndarray, bound: int, axis: int) -> tuple[np.ndarray, np.ndarray]:
    """Symmetric int8 within +-`bound`, one float32 scale along each line of `axis`: weights ~ int8 * scale."""
    scale = np.abs(weights).max(axis=axis, keepdims=True) / bound
    scale = np.where(scale == 0, 1, scale).astype(np.float32)  # a line of zeros
    return np.rint(weights / scale).astype(np.int8), scale
