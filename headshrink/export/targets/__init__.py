"""Registry of export targets: one file, one line."""

from headshrink.export.targets import onnx, onnx_int8, transformers
from headshrink.export.targets._base import Embed, Options, Target

TARGETS: dict[str, Target] = {
    "transformers": transformers.TARGET,
    "onnx": onnx.TARGET,
    "onnx_int8": onnx_int8.TARGET,
}

__all__ = ["TARGETS", "Embed", "Options", "Target"]
