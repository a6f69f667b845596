"""Gradual unfreezing (Howard and Ruder 2018, section 3.3): layers open to training one after another, from the top."""

import math
import re
from collections.abc import Iterable


def opening_steps(names: Iterable[str], share: float, steps: int) -> dict[str, int]:
    """The step from which each of a student's parameters trains.

    The last layer, and what is above it, from the first step on; each layer below later by the same time, the word
    table and what belongs to it last, after `share` of the steps. A function of names and steps and nothing else:
    a resumed training needs no state of it. Layers that share their weights are one.
    """
    names = list(names)
    layers = sorted({layer for name in names if (layer := _layer(name)) is not None}, reverse=True)
    depths = {name: _depth(name, layers) for name in names}
    deepest = max(depths.values())
    return {name: math.ceil(share * steps * depth / deepest) if depth else 0 for name, depth in depths.items()}


def _layer(name: str) -> int | None:
    found = re.search(r"backbone\.encoder\.(?:layer|lstms)\.(\d+)\.", name)
    return int(found[1]) if found else None


def _depth(name: str, layers: list[int]) -> int:
    """Layers between a parameter and the top; one without layers above it counts as the top's."""
    if name.startswith("backbone.embeddings."):
        return len(layers)
    layer = _layer(name)
    return 0 if layer is None else layers.index(layer)
