"""ONNX with 4-bit weights, about a sixth of the bytes; most models lose too much by it, which the gate then says."""

from onnx import ModelProto

from headshrink.exporting.quantise import int4
from headshrink.exporting.targets._base import Options
from headshrink.exporting.targets.onnx import onnx_target


def quantise(graph: ModelProto, options: Options) -> ModelProto:
    return int4(graph, options.keep)


TARGET = onnx_target("ONNX with 4-bit weights", "onnx_int4", quantise)
