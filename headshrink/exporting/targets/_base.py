"""What a target is: a place in the export folder, how it is written, how it is opened again."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from onnx import ModelProto

from headshrink.exporting.graph import Original
from headshrink.model import SentenceEncoder
from headshrink.parameters import export

Quantise = Callable[[ModelProto, "Options"], ModelProto]  # in place
Embed = Callable[[Sequence[str]], np.ndarray]  # texts -> float32 [texts, dimension], in the order given


@dataclass(frozen=True)
class Options:
    """What the user may choose about a target; each uses what concerns it.

    `reduce_range`: int8 weights of 7 bits, which no processor's arithmetic saturates on. `keep`: matrices left in
    fp32, by the names that `quantise.matrices` gives them; the repair of a form that fails its gate chooses them.
    """

    reduce_range: bool = export.DEFAULTS.reduce_range
    keep: frozenset[str] = frozenset()


DEFAULTS = Options()


@dataclass(frozen=True)
class Target:
    """One form of a model.

    `place` is its folder below the export folder ("" for that folder itself); `write` puts a model there, with the
    same bytes each time; `open` loads what was written as a user would, and returns what embeds texts with it.
    `title` and `snippet` are the model card's; the snippet runs in the export folder and leaves its result in
    `embeddings`; `needs` are the packages it takes, which are all that its user installs. `files` is a regular
    expression for the paths that it writes below `place`: no others are published. `lossless` forms reproduce
    the embeddings up to rounding; the others must pass the quality gate. `quantise` is what a form of smaller weights
    does to the fp32 graph, in place: by it the gate finds which matrices must stay in fp32.
    """

    title: str
    snippet: str
    place: str
    write: Callable[[Original, Path, Options], None]
    open: Callable[[Path], Embed]
    needs: tuple[str, ...]
    files: str
    lossless: bool = True
    quantise: Quantise | None = None


def graph_target(
    title: str,
    place: str,
    quantise: Quantise | None = None,
    *,
    snippet: str,
    save: Callable[[ModelProto, SentenceEncoder, Path], None],
    open: Callable[[Path], Embed],
    needs: tuple[str, ...],
    files: str,
) -> Target:
    """A target that is the model's graph in a folder of its own, quantised or as it is."""

    def write(model: Original, folder: Path, options: Options = DEFAULTS) -> None:
        graph = model.graph()
        save(quantise(graph, options) if quantise else graph, model.encoder, folder)

    code = snippet.replace("{place}", place)
    return Target(title, code, place, write, open, needs, files, lossless=quantise is None, quantise=quantise)
