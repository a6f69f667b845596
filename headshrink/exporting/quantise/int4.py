"""4-bit weights in blocks with a scale and an offset each, for onnxruntime's own operators."""

from collections.abc import Container
from typing import Any

import numpy as np
import onnx
from onnx import NodeProto, helper

from headshrink.exporting.quantise._matrices import Constants, add, exchange, weights_of
from headshrink.exporting.quantise.int8 import table as int8_table

BLOCK = 32  # weights that share a scale: 4.75 bits a weight in all
LEVELS = 15
INT8_SUMS = 4  # "accuracy level": activations in int8, products summed in 32 bits
DOMAIN = "com.microsoft"


def quantise(model: onnx.ModelProto, keep: Container[str] = ()) -> onnx.ModelProto:
    """Store the weights of an exported fp32 graph in 4 bits, in place.

    Each block of BLOCK inputs of an output channel, or of a table row, has its own scale and offset, since 16 levels
    over a whole channel would leave most weights in two or three of them.
    """
    model.opset_import.append(helper.make_opsetid(DOMAIN, 1))
    return exchange(model, linear, table, keep)


def to_uint4(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Blocks of rows [rows, width] as uint4: values [rows, blocks, BLOCK], scales and offsets [rows, blocks].

    rows ~ (values - offsets) * scales. Zero is a level of every block, so padding to whole blocks stays zero.
    """
    blocks = -(-rows.shape[1] // BLOCK)
    whole = np.pad(rows, ((0, 0), (0, blocks * BLOCK - rows.shape[1]))).reshape(len(rows), blocks, BLOCK)
    low, high = np.minimum(whole.min(2), 0), np.maximum(whole.max(2), 0)
    scale = ((high - low) / LEVELS).astype(np.float32)
    scale = np.where(scale == 0, 1, scale).astype(np.float32)
    offset = np.rint(-low / scale).astype(np.uint8)
    values = np.clip(np.rint(whole / scale[..., None]) + offset[..., None], 0, LEVELS).astype(np.uint8)
    return values, scale, offset


def packed(values: np.ndarray) -> np.ndarray:
    """Pairs of uint4 along the last axis as bytes, the first of a pair in the low half; an odd end gets a zero."""
    even: np.ndarray = np.pad(values, [(0, 0)] * (values.ndim - 1) + [(0, values.shape[-1] % 2)])
    packed: np.ndarray = even[..., ::2] | even[..., 1::2] << 4
    return packed


def linear(node: NodeProto, weights: np.ndarray, constants: Constants) -> list[NodeProto]:
    """x @ W with W [in, out] in blocks along its inputs."""
    own = weights_of(node)
    values, scale, offset = to_uint4(weights.T)
    add(constants, {f"{own}_uint4": packed(values), f"{own}_scale": scale, f"{own}_offset": packed(offset)})
    inputs = [node.input[0], f"{own}_uint4", f"{own}_scale", f"{own}_offset"]
    shape: dict[str, Any] = {"K": weights.shape[0], "N": weights.shape[1], "bits": 4, "block_size": BLOCK}
    how: dict[str, Any] = {"accuracy_level": INT8_SUMS}
    return [helper.make_node("MatMulNBits", inputs, [node.output[0]], name=node.name, domain=DOMAIN, **shape, **how)]


def table(node: NodeProto, rows: np.ndarray, constants: Constants) -> list[NodeProto]:
    """Look-up in a table [rows, width] in blocks along its width.

    An odd width stays at 8 bits: the operator takes the bytes of two for the width.
    """
    if rows.shape[1] % 2:
        return int8_table(node, rows, constants)
    values, scale, offset = to_uint4(rows)
    values = values.reshape(len(rows), -1)[:, : rows.shape[1]]
    add(constants, {"table_uint4": packed(values), "table_scale": scale, "table_offset": packed(offset)})
    inputs = ["table_uint4", node.input[1], "table_scale", "table_offset"]
    how: dict[str, Any] = {"bits": 4, "block_size": BLOCK, "gather_axis": 0, "quantize_axis": 1}
    return [helper.make_node("GatherBlockQuantized", inputs, [node.output[0]], domain=DOMAIN, **how)]
