"""OpenVINO with int8 weights, about a quarter of the bytes; the runtime quantises activations in groups of 32."""

from onnx import ModelProto

from headshrink.exporting.quantise import weights_int8
from headshrink.exporting.targets._base import Options
from headshrink.exporting.targets.openvino import openvino_target


def quantise(graph: ModelProto, options: Options) -> ModelProto:
    return weights_int8(graph, options.keep)


TARGET = openvino_target("OpenVINO in int8", "openvino_int8", quantise)
