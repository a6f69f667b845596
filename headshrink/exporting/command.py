"""`headshrink encode` and `headshrink search`: embeddings of a file of lines, and the lines nearest to a query."""

import heapq
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from headshrink.errors import HeadshrinkError
from headshrink.escape import visible
from headshrink.exporting.lines import Encoder, Lines, encode_lines, open_encoder, reread
from headshrink.metrics import unit_length
from headshrink.output import check_file, new_file, reserve
from headshrink.parameters.compute import DEFAULTS as COMPUTE
from headshrink.parameters.compute import ComputeParams

FORMATS = (".npy", ".parquet")
Chunks = Iterable[tuple[list[str], np.ndarray]]

Model = Annotated[Path, typer.Argument(help="model folder, or exported ONNX folder")]
BatchSize = Annotated[int, typer.Option(help="lines a batch, of similar length", min=1)]


def encode(
    model: Model,
    file: Annotated[Path | None, typer.Argument(help="UTF-8 lines; standard input without it")] = None,
    out: Annotated[Path, typer.Option(help=f"file to write: {' or '.join(FORMATS)}")] = Path("embeddings.npy"),
    batch_size: BatchSize = 32,
    compute: ComputeParams = COMPUTE,
) -> None:
    """Embed every line of a file; row i of the output is line i. Memory stays flat however long the file is."""
    if out.suffix not in FORMATS:
        raise HeadshrinkError(f"--out {out}: allowed are files ending in {', '.join(FORMATS)}")
    check_file(out)
    encoder = open_encoder(model, compute.device)
    with reread(file) as lines:
        write = write_npy if out.suffix == ".npy" else write_parquet
        count = lines.count()
        with new_file(out) as unfinished:
            written = write(encode_lines(encoder, lines, batch_size), unfinished, count, encoder.dimension)
            if written != count:
                raise HeadshrinkError(
                    f"{file or 'standard input'} changed while it was read: {count} lines were counted, {written} read"
                )


def search(
    model: Model,
    file: Annotated[Path, typer.Argument(help="UTF-8 file, one sentence per line")],
    query: Annotated[str, typer.Argument(help="sentence, in Russian or English")],
    top: Annotated[int, typer.Option(help="lines to print", min=1)] = 10,
    batch_size: BatchSize = 32,
    compute: ComputeParams = COMPUTE,
) -> None:
    """Print the lines nearest to a query in either language: cosine, line number, line; control characters as \\x1b."""
    encoder = open_encoder(model, compute.device)
    with reread(file) as lines:
        found = nearest(encoder, lines, query, top, batch_size)
    for score, number, text in found:
        typer.echo(f"{score:.4f}\t{number}\t{visible(text)}")


def write_npy(chunks: Chunks, path: Path, count: int, dimension: int) -> int:
    """Write float32 [count, dimension], chunk by chunk; the number of rows written.

    The space is reserved first: a full disk is found before the first line is embedded.
    """
    header = {"descr": np.lib.format.dtype_to_descr(np.dtype(np.float32)), "fortran_order": False}
    written = 0
    with path.open("wb") as file:
        np.lib.format.write_array_header_1_0(file, header | {"shape": (count, dimension)})
        reserve(file, file.tell() + count * dimension * np.dtype(np.float32).itemsize)
        for texts, embeddings in chunks:
            file.write(np.ascontiguousarray(embeddings, np.float32).data)
            written += len(texts)
    return written


def write_parquet(chunks: Chunks, path: Path, count: int, dimension: int) -> int:
    """Write columns text and embedding (fixed-size list of float32), a row group a chunk; the rows written."""
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError as error:
        raise HeadshrinkError("Parquet output needs pyarrow: pip install pyarrow, or write .npy") from error
    schema = pa.schema([("text", pa.string()), ("embedding", pa.list_(pa.float32(), dimension))])
    written = 0
    with pq.ParquetWriter(path, schema) as writer:
        for texts, embeddings in chunks:
            rows = pa.FixedSizeListArray.from_arrays(pa.array(embeddings.ravel()), dimension)
            writer.write_table(pa.table([pa.array(texts, pa.string()), rows], schema=schema))
            written += len(texts)
    return written


def nearest(encoder: Encoder, lines: Lines, query: str, top: int, batch_size: int) -> list[tuple[float, int, str]]:
    """The `top` lines by cosine to a query, best first: (cosine, line number from 1, line)."""
    wanted = unit_length(encoder.encode([query], batch_size))[0]
    best: list[tuple[float, int, str]] = []
    start = 1
    for texts, embeddings in encode_lines(encoder, lines, batch_size):
        scores = unit_length(embeddings) @ wanted
        found = zip(scores.tolist(), range(start, start + len(texts)), texts, strict=True)
        best = heapq.nsmallest(top, [*best, *found], key=lambda hit: (-hit[0], hit[1]))
        start += len(texts)
    return best
