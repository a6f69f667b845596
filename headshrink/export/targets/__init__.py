"""Registry of export targets: one file, one line."""

from headshrink.export.targets import onnx, transformers
from headshrink.export.targets._base import Embed, Target

TARGETS: dict[str, Target] = {
    "transformers": transformers.TARGET,
    "onnx": onnx.TARGET,
}

__all__ = ["TARGETS", "Embed", "Target"]
