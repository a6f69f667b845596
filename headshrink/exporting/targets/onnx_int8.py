"""ONNX in int8, about a quarter of the bytes: linear layers and the embedding table, dynamically quantised."""

from onnx import ModelProto

from headshrink.exporting.quantise import int8
from headshrink.exporting.targets._base import Options
from headshrink.exporting.targets.onnx import onnx_target


def quantise(graph: ModelProto, options: Options) -> ModelProto:
    return int8(graph, options.reduce_range, options.keep)


TARGET = onnx_target("ONNX in int8", "onnx_int8", quantise)
