"""Registry of export targets: one file, one line."""

from headshrink.exporting.targets import (
    onnx,
    onnx_int4,
    onnx_int8,
    openvino,
    openvino_int8,
    transformers,
    transformers_bf16,
    transformers_fp16,
)
from headshrink.exporting.targets._base import Embed, Options, Target

TARGETS: dict[str, Target] = {
    "transformers": transformers.TARGET,
    "transformers_fp16": transformers_fp16.TARGET,
    "transformers_bf16": transformers_bf16.TARGET,
    "onnx": onnx.TARGET,
    "onnx_int8": onnx_int8.TARGET,
    "onnx_int4": onnx_int4.TARGET,
    "openvino": openvino.TARGET,
    "openvino_int8": openvino_int8.TARGET,
}

__all__ = ["TARGETS", "Embed", "Options", "Target"]
