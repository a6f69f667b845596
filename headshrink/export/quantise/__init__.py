"""Smaller weights in an exported fp32 graph: one file a scheme, each from a graph to a graph."""

from headshrink.export.quantise._matrices import matrices
from headshrink.export.quantise.int4 import quantise as int4
from headshrink.export.quantise.int8 import quantise as int8
from headshrink.export.quantise.weights_int8 import quantise as weights_int8

__all__ = ["int4", "int8", "matrices", "weights_int8"]
