"""A model compiled by torch for a while."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from headshrink.errors import HeadshrinkError
from headshrink.model.encoder import SentenceEncoder


def no_compiler() -> str:
    """Why torch.compile cannot work here, "" where it can: what it writes is C++."""
    return "" if shutil.which("g++") or shutil.which("clang++") else "no C++ compiler"


@contextmanager
def compiled(encoder: SentenceEncoder) -> Iterator[None]:
    """The encoder's backbone compiled inside the block, once for all batch sizes and lengths; afterwards as it was.

    Names and weights stay. Hooks on the backbone's parts, put there or taken away inside the block, are not seen.
    Raises HeadshrinkError where there is no C++ compiler.
    """
    if reason := no_compiler():
        raise HeadshrinkError(f"compile = true: {reason}; install g++ or clang++, or set it to false")
    encoder.backbone.compile(dynamic=True)
    try:
        yield
    finally:
        encoder.backbone._compiled_call_impl = None
