"""Attention as one operator of onnxruntime, in an exported fp32 graph.

onnxruntime's own optimiser (and `onnxruntime.transformers.optimizer`) fuses the patterns of older exporters: in a graph
of torch's present one it finds LayerNorm and GELU, and no attention.
"""

from collections.abc import Mapping

import numpy as np
import onnx
from onnx import NodeProto, TensorProto, helper, numpy_helper

from headshrink.exporting.graph_encoder import INPUTS

DOMAIN, MASK = "com.microsoft", "attention_mask_int32"
CLOSED = float(np.finfo(np.float32).min)

Producers = Mapping[str, NodeProto]  # by output


def fuse_attention(model: onnx.ModelProto) -> onnx.ModelProto:
    """Replace each layer's two products, scale, mask and softmax by one MultiHeadAttention, in place.

    The number of heads is the layer's own, so that any cut of heads may be fused. What the pattern was made of and
    nothing else uses, goes.
    """
    graph = model.graph
    made: Producers = {output: node for node in graph.node for output in node.output}
    constants = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    fused = {}
    for softmax in (node for node in graph.node if node.op_type == "Softmax"):
        merged = merged_heads(graph, softmax)
        fused[merged.output[0]] = attention(softmax, merged, made, constants)
    if fused:
        model.opset_import.append(helper.make_opsetid(DOMAIN, 1))
        replace(graph, fused)
    return model


def merged_heads(graph: onnx.GraphProto, softmax: NodeProto) -> NodeProto:
    """The Reshape that puts the heads side by side again: softmax -> MatMul -> Transpose -> Reshape."""
    node = softmax
    for _ in range(3):
        node = next(user for user in graph.node if node.output[0] in user.input)
    return node


def attention(softmax: NodeProto, merged: NodeProto, made: Producers, constants: Mapping[str, np.ndarray]) -> NodeProto:
    """The operator in place of a layer's pattern: from queries, keys and values [batch, tokens, width] to the same."""
    scaled = made[made[softmax.input[0]].input[0]]  # softmax <- Add of the mask <- Mul by the scale
    scale = next(float(constants[name]) for name in scaled.input if name in constants)
    scores = next(made[name] for name in scaled.input if name in made and made[name].op_type == "MatMul")
    values = next(made[name] for name in made[merged.input[0]].input if name in made)  # Transpose <- MatMul
    split = [split_heads(made[name], made) for name in (*scores.input, values.input[1])]
    head_size = int(constants[made[split[0].input[1]].input[-1]].item())
    width = constants[made[split[0].input[0]].input[1]].shape[0]  # of the bias that was added last
    return helper.make_node(
        "MultiHeadAttention",
        [*(node.input[0] for node in split), "", MASK],
        [merged.output[0]],
        domain=DOMAIN,
        num_heads=width // head_size,
        scale=scale,
        mask_filter_value=CLOSED,
    )


def split_heads(node: NodeProto, made: Producers) -> NodeProto:
    """The Reshape [batch, tokens, width] -> [batch, tokens, heads, head size] above any transpositions."""
    while node.op_type == "Transpose":
        node = made[node.input[0]]
    return node


def replace(graph: onnx.GraphProto, fused: Mapping[str, NodeProto]) -> None:
    """Put operators in the place of the nodes whose outputs they give; drop what no output needs any more."""
    nodes = [fused.get(node.output[0], node) for node in graph.node]
    nodes.insert(0, helper.make_node("Cast", [INPUTS[1]], [MASK], to=TensorProto.INT32))
    needed, kept = {output.name for output in graph.output}, []
    for node in reversed(nodes):
        if needed & set(node.output):
            needed |= set(node.input)
            kept.append(node)
    del graph.node[:]
    graph.node.extend(reversed(kept))
