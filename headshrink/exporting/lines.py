"""Embedding files of lines, of any length at a fixed memory."""

import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from headshrink.data.text.lines import decoded, read_lines, readable_once
from headshrink.errors import HeadshrinkError
from headshrink.progress import Bar

CHUNK_LINES = 4096  # enough to sort by length; 6 MB of embeddings at 384 dimensions
CHUNK_CHARS = 1 << 20  # 4 MB at most as text; some 25 MB as tokens where a long text cannot be cut before


class Encoder(Protocol):
    """What SentenceEncoder and the encoders of exported graphs share."""

    dimension: int

    def encode(self, texts: list[str], batch_size: int) -> np.ndarray: ...


def open_encoder(folder: Path) -> Encoder:
    """A model folder, or an exported ONNX or OpenVINO folder; on the GPU where there is one and torch runs it.

    Raises HeadshrinkError where the folder is none of them.
    """
    if (folder / "model.onnx").is_file():
        from headshrink.exporting.onnx_encoder import OnnxEncoder

        return OnnxEncoder(folder)
    if (folder / "model.xml").is_file():
        from headshrink.exporting.openvino_encoder import OpenVinoEncoder

        return OpenVinoEncoder(folder)
    import torch

    from headshrink.exporting.torch_encoder import TorchEncoder
    from headshrink.model import load_encoder

    encoder = load_encoder(folder)
    return encoder.to("cuda") if torch.cuda.is_available() else TorchEncoder(encoder)  # type: ignore[return-value]


@dataclass(frozen=True)
class Lines:
    """A file with one sentence per line. Every line counts, empty ones too: row i belongs to line i.

    At most CHUNK_LINES lines, and CHUNK_CHARS characters or one line, are in memory at once.
    """

    path: Path

    def count(self) -> int:
        """Lines in the file; HeadshrinkError as `read_lines`."""
        return sum(1 for _ in read_lines(self.path))

    def chunks(self) -> Iterator[list[str]]:
        """The lines in order, as many at a time as a chunk holds; HeadshrinkError as `read_lines`."""
        chunk: list[str] = []
        characters = 0
        for line in read_lines(self.path):
            if chunk and (len(chunk) == CHUNK_LINES or characters + len(line) > CHUNK_CHARS):
                yield chunk
                chunk, characters = [], 0
            chunk.append(line)
            characters += len(line)
        if chunk:
            yield chunk


@contextmanager
def reread(path: Path | None) -> Iterator[Lines]:
    """Lines that can be counted and then read again: of standard input (None) or a pipe, as a temporary copy."""
    if path is not None and not readable_once(path):
        yield Lines(path)
        return
    with tempfile.TemporaryDirectory(prefix="headshrink-") as scratch:
        copy = Path(scratch) / "lines"
        source = read_lines(path) if path else decoded(sys.stdin.buffer, "standard input")
        try:
            with copy.open("w", encoding="utf-8", newline="") as file:
                file.writelines(f"{line}\n" for line in source)
        except OSError as error:
            reason = f"cannot copy {path or 'standard input'} to {scratch} ({error.strerror})"
            raise HeadshrinkError(f"{reason}: set TMPDIR to a folder with room") from error
        yield Lines(copy)


def encode_lines(encoder: Encoder, lines: Lines, batch_size: int) -> Iterator[tuple[list[str], np.ndarray]]:
    """Chunks of lines with their embeddings, float32 [lines, dimension], in the file's order, under a progress bar."""
    with Bar("encoding", lines.count()) as bar:
        for texts in lines.chunks():
            yield texts, encoder.encode(texts, batch_size)
            bar.advance(len(texts))
