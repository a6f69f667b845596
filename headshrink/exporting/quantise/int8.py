"""Dynamic int8: constant matrices and the embedding table as bytes, activations quantised as they come."""

from collections.abc import Container
from functools import partial

import numpy as np
import onnx
from onnx import NodeProto, TensorProto, helper

from headshrink.exporting.quantise._matrices import Constants, add, exchange, to_int8, weights_of

FULL_RANGE, REDUCED_RANGE = 127, 64


def quantise(model: onnx.ModelProto, reduce_range: bool, keep: Container[str] = ()) -> onnx.ModelProto:
    """Turn the weights of an exported fp32 graph into int8, in place, with one scale an output channel or table row.

    Linear layers become DynamicQuantizeLinear and MatMulInteger, whose activations are uint8 with one scale per batch;
    the embedding table becomes bytes with one scale per row, multiplied after the look-up. Biases, LayerNorms, softmax
    and the small position table stay fp32, and so do the matrices named in `keep`.

    `reduce_range` keeps weights within +-64. Processors without VNNI add two products of uint8 and int8 in 16 bits,
    which saturates at full range (2 * 255 * 127 > 32767) and does not at this one: the same file then gives the same
    embeddings everywhere. Full range is a little closer to fp32, on processors with VNNI alone.
    """
    bound = REDUCED_RANGE if reduce_range else FULL_RANGE
    return exchange(model, partial(linear, bound=bound), table, keep)


def linear(node: NodeProto, weights: np.ndarray, constants: Constants, bound: int) -> list[NodeProto]:
    """x @ W as integers; weights [in, out] have one scale an output channel. onnxruntime fuses these nodes into one."""
    x, out, name, own = node.input[0], node.output[0], node.name, weights_of(node)
    small, scale = to_int8(weights, bound, axis=0)
    add(constants, {f"{own}_int8": small, f"{own}_scale": scale[0], f"{own}_zero": np.zeros(len(scale[0]), np.int8)})
    make = helper.make_node
    return [
        make("DynamicQuantizeLinear", [x], [f"{name}_x", f"{name}_x_scale", f"{name}_x_zero"]),
        make("MatMulInteger", [f"{name}_x", f"{own}_int8", f"{name}_x_zero", f"{own}_zero"], [f"{name}_sum"]),
        make("Cast", [f"{name}_sum"], [f"{name}_float"], to=TensorProto.FLOAT),
        make("Mul", [f"{name}_x_scale", f"{own}_scale"], [f"{name}_both_scales"]),
        make("Mul", [f"{name}_float", f"{name}_both_scales"], [out]),
    ]


def table(node: NodeProto, rows: np.ndarray, constants: Constants) -> list[NodeProto]:
    """Look-up in an int8 table [rows, width] times its row's scale; nothing is summed, so the range can be full."""
    ids, out = node.input[1], node.output[0]
    small, scale = to_int8(rows, FULL_RANGE, axis=1)
    add(constants, {"table_int8": small, "table_scale": scale})
    make = helper.make_node
    return [
        make("Gather", ["table_int8", ids], ["table_rows"]),
        make("Gather", ["table_scale", ids], ["table_row_scales"]),
        make("Cast", ["table_rows"], ["table_float"], to=TensorProto.FLOAT),
        make("Mul", ["table_float", "table_row_scales"], [out]),
    ]
