"""Weights alone in int8, for runtimes that quantise activations by themselves: OpenVINO does, 32 values to a scale."""

from collections.abc import Container

import numpy as np
import onnx
from onnx import NodeProto, helper

from headshrink.exporting.quantise._matrices import Constants, add, exchange, to_int8, weights_of
from headshrink.exporting.quantise.int8 import FULL_RANGE, table


def quantise(model: onnx.ModelProto, keep: Container[str] = ()) -> onnx.ModelProto:
    """Store the weights of an exported fp32 graph in int8, in place, with one scale an output channel or table row.

    Full range: the runtime, which knows its processor, decides in what precision the products are summed.
    """
    return exchange(model, linear, table, keep)


def linear(node: NodeProto, weights: np.ndarray, constants: Constants) -> list[NodeProto]:
    """x @ (int8 * scale), which OpenVINO multiplies without ever writing the product in brackets out."""
    name, own = node.name, weights_of(node)
    small, scale = to_int8(weights, FULL_RANGE, axis=0)
    add(constants, {f"{own}_int8": small, f"{own}_scale": scale[0]})
    return [
        helper.make_node("DequantizeLinear", [f"{own}_int8", f"{own}_scale"], [f"{name}_weights"], axis=1),
        helper.make_node("MatMul", [node.input[0], f"{name}_weights"], [node.output[0]], name=name),
    ]
