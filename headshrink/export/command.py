"""`headshrink encode` and `headshrink search`: embeddings of a file of lines, and the lines nearest to a query."""

import heapq
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from headshrink.errors import HeadshrinkError
from headshrink.escape import visible
from headshrink.export.lines import Encoder, Lines, encode_lines, open_encoder

FORMATS = (".npy", ".parquet")
Chunks = Iterable[tuple[list[str], np.ndarray]]

Model = Annotated[Path, typer.Argument(help="model folder, or exported ONNX folder")]
BatchSize = Annotated[int, typer.Option(help="lines a batch, of similar length", min=1)]


def encode(
    model: Model,
    file: Annotated[Path | None, typer.Argument(help="UTF-8 lines; standard input without it")] = None,
    output: Annotated[Path, typer.Option(help=f"file to write: {' or '.join(FORMATS)}")] = Path("embeddings.npy"),
    batch_size: BatchSize = 32,
) -> None:
    """Embed every line of a file; row i of the output is line i. Memory stays flat however long the file is."""
    if output.suffix not in FORMATS:
        raise HeadshrinkError(f"--output {output}: allowed are files ending in {', '.join(FORMATS)}")
    encoder = open_encoder(model)
    with tempfile.TemporaryDirectory(prefix="headshrink-") as scratch:
        lines = Lines(file or spooled(Path(scratch) / "lines"))
        unfinished = output.with_name(f".{output.name}.unfinished")
        try:
            write = write_npy if output.suffix == ".npy" else write_parquet
            write(encode_lines(encoder, lines, batch_size), unfinished, lines.count(), encoder.dimension)
            unfinished.replace(output)
        finally:
            unfinished.unlink(missing_ok=True)


def search(
    model: Model,
    file: Annotated[Path, typer.Argument(help="UTF-8 file, a sentence a line")],
    query: Annotated[str, typer.Argument(help="sentence, in Russian or English")],
    top: Annotated[int, typer.Option(help="lines to print", min=1)] = 10,
    batch_size: BatchSize = 32,
) -> None:
    """Print the lines nearest to a query in either language: cosine, line number, line; control characters as \\x1b."""
    encoder = open_encoder(model)
    for score, number, text in nearest(encoder, Lines(file), query, top, batch_size):
        typer.echo(f"{score:.4f}\t{number}\t{visible(text)}")


def spooled(place: Path) -> Path:
    """Standard input as a file, so that its lines can be counted before they are embedded."""
    with place.open("wb") as file:
        while block := sys.stdin.buffer.read(1 << 20):
            file.write(block)
    return place


def write_npy(chunks: Chunks, path: Path, count: int, dimension: int) -> None:
    """float32 [lines, dimension], written through a memory map."""
    if not count:
        with path.open("wb") as file:  # an empty file cannot be mapped
            return np.save(file, np.empty((0, dimension), np.float32))
    rows = np.lib.format.open_memmap(path, mode="w+", dtype=np.float32, shape=(count, dimension))
    start = 0
    for texts, embeddings in chunks:
        rows[start : start + len(texts)] = embeddings
        start += len(texts)
    rows.flush()


def write_parquet(chunks: Chunks, path: Path, count: int, dimension: int) -> None:
    """Columns text and embedding (fixed-size list of float32), a row group a chunk."""
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError as error:
        raise HeadshrinkError("Parquet output needs pyarrow: pip install pyarrow, or write .npy") from error
    schema = pa.schema([("text", pa.string()), ("embedding", pa.list_(pa.float32(), dimension))])
    with pq.ParquetWriter(path, schema) as writer:
        for texts, embeddings in chunks:
            rows = pa.FixedSizeListArray.from_arrays(pa.array(embeddings.ravel()), dimension)
            writer.write_table(pa.table([pa.array(texts, pa.string()), rows], schema=schema))


def nearest(encoder: Encoder, lines: Lines, query: str, top: int, batch_size: int) -> list[tuple[float, int, str]]:
    """The `top` lines by cosine to a query, best first: (cosine, line number from 1, line)."""
    wanted = unit(encoder.encode([query], batch_size))[0]
    best: list[tuple[float, int, str]] = []
    start = 1
    for texts, embeddings in encode_lines(encoder, lines, batch_size):
        scores = unit(embeddings) @ wanted
        found = zip(scores.tolist(), range(start, start + len(texts)), texts, strict=True)
        best = heapq.nsmallest(top, [*best, *found], key=lambda hit: (-hit[0], hit[1]))
        start += len(texts)
    return best


def unit(rows: np.ndarray) -> np.ndarray:
    """Rows scaled to unit length."""
    return rows / np.linalg.norm(rows, axis=1, keepdims=True).clip(min=1e-12)
