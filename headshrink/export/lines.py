"""Embedding files of lines, of any length at a fixed memory."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Protocol

import numpy as np

from headshrink.errors import HeadshrinkError
from headshrink.progress import Bar

CHUNK = 4096  # lines in memory at once; enough to sort by length, 6 MB of embeddings at 384 dimensions


class Encoder(Protocol):
    """What SentenceEncoder and the encoders of exported graphs share."""

    dimension: int

    def encode(self, texts: list[str], batch_size: int) -> np.ndarray: ...


def open_encoder(folder: Path) -> Encoder:
    """A model folder, or an exported ONNX or OpenVINO folder; on the GPU where there is one and torch runs it.

    Raises HeadshrinkError where the folder is none of them.
    """
    if (folder / "model.onnx").is_file():
        from headshrink.export.onnx_encoder import OnnxEncoder

        return OnnxEncoder(folder)
    if (folder / "model.xml").is_file():
        from headshrink.export.openvino_encoder import OpenVinoEncoder

        return OpenVinoEncoder(folder)
    import torch

    from headshrink.export.torch_encoder import TorchEncoder
    from headshrink.model import load_encoder

    encoder = load_encoder(folder)
    return encoder.to("cuda") if torch.cuda.is_available() else TorchEncoder(encoder)  # type: ignore[return-value]


@dataclass(frozen=True)
class Lines:
    """A UTF-8 file with a sentence a line. Every line counts, empty ones too: row i belongs to line i."""

    path: Path

    def count(self) -> int:
        """Lines in the file."""
        with self.open() as file:
            return sum(1 for _ in file)

    def chunks(self) -> Iterator[list[str]]:
        """Up to CHUNK lines at a time. Raises HeadshrinkError with the line where the file is not UTF-8."""
        with self.open() as file:
            numbered = enumerate(file, 1)
            while raw := list(islice(numbered, CHUNK)):
                yield [self.decode(number, line) for number, line in raw]

    def decode(self, number: int, line: bytes) -> str:
        try:
            return line.decode("utf-8").rstrip("\r\n")
        except UnicodeDecodeError as error:
            raise HeadshrinkError(f"{self.path}, line {number} is not UTF-8: give a file of UTF-8 lines") from error

    def open(self):
        try:
            return self.path.open("rb")
        except OSError as error:
            raise HeadshrinkError(f"cannot read {self.path} ({error.strerror}): give a file of lines") from error


def encode_lines(encoder: Encoder, lines: Lines, batch_size: int) -> Iterator[tuple[list[str], np.ndarray]]:
    """Chunks of lines with their embeddings, float32 [lines, dimension], in the file's order, under a progress bar."""
    with Bar("encoding", lines.count()) as bar:
        for texts in lines.chunks():
            yield texts, encoder.encode(texts, batch_size)
            bar.advance(len(texts))
