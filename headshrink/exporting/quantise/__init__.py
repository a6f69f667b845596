"""Smaller weights in an exported fp32 graph: one file a scheme, each from a graph to a graph."""

from headshrink.exporting.quantise._matrices import matrices
from headshrink.exporting.quantise.int4 import quantise as int4
from headshrink.exporting.quantise.int8 import quantise as int8
from headshrink.exporting.quantise.weights_int8 import quantise as weights_int8

__all__ = ["int4", "int8", "matrices", "weights_int8"]
