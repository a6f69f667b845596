"""`headshrink encode` against sentence-transformers' own encode on the same model, in turns on slices of one file.

The rows: the model folder by sentence-transformers and by headshrink, both in fp32, its ONNX form in fp32, and in int8
where that passes the gate on `--pairs` (English TAB Russian). Every slice is embedded by all of them, each time
beginning with another; the ratio is that of the whole times, its interval that of the slices' median. `--memory` adds
the peak memory of the command on a fifth of the file and on all of it.

    python benchmarks/encode_speed.py MODEL FILE --pairs TSV [--count 100000] [--slices 10] [--memory]
"""

import argparse
import itertools
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from sentence_transformers import SentenceTransformer

from headshrink.benchmarking.machine import describe
from headshrink.benchmarking.timing import Timings
from headshrink.data.text.lines import read_lines
from headshrink.data.text.pairs import complete_rows
from headshrink.exporting import TARGETS, Limits, Options, Original, Pairs, write_lossy
from headshrink.exporting.lines import Lines, encode_lines, open_encoder
from headshrink.metrics import unit_length
from headshrink.model import load_encoder

REFERENCE = "sentence-transformers"
PAIRS_OF_THE_GATE = 500
MB_OF_KIB = 1024 / 1e6
PEAK = """
import sys
from pathlib import Path
from headshrink.exporting.command import encode
encode(Path(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3]), 32)
lines = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
print(int(lines["VmHWM"].split()[0]))
"""


def export(model: Path, pairs: Path, folder: Path) -> dict[str, Path]:
    """The model's ONNX forms, the int8 one only where the gate lets it pass."""
    original = Original(load_encoder(model))
    TARGETS["onnx"].write(original, folder / "onnx", Options())
    rows = complete_rows(pairs)[:PAIRS_OF_THE_GATE]
    en, ru = [row.left for row in rows], [row.right for row in rows]
    known = Pairs(en, ru, (original.encoder.encode(en), original.encoder.encode(ru)))
    outcome = write_lossy(TARGETS["onnx_int8"], original, folder / "onnx_int8", Options(), known, Limits())
    print(f"int8 on {len(en)} pairs of {pairs.name}: {outcome}", flush=True)
    return {name: folder / name for name in ("onnx", "onnx_int8") if (folder / name).is_dir()}


def embed_file(folder: Path) -> Callable[[Path], np.ndarray]:
    """What `headshrink encode` does between opening a model and writing the result."""
    encoder = open_encoder(folder)
    return lambda file: np.concatenate([rows for _, rows in encode_lines(encoder, Lines(file), 32)])


def embed_by_sentence_transformers(folder: Path) -> Callable[[Path], np.ndarray]:
    """Its defaults, but in fp32 whatever the file holds, as headshrink loads it."""
    encoder = SentenceTransformer(str(folder), device="cpu", model_kwargs={"dtype": torch.float32})
    threads = torch.get_num_threads()

    def embed(file: Path) -> np.ndarray:
        torch.set_num_threads(threads)
        return encoder.encode(list(read_lines(file)), show_progress_bar=False)

    return embed


def write_slices(sentences: list[str], count: int, folder: Path) -> list[Path]:
    paths = [folder / f"slice{i}" for i in range(count)]
    for path, rows in zip(paths, np.array_split(np.array(sentences, dtype=object), count), strict=True):
        path.write_text("\n".join(rows) + "\n", encoding="utf-8")
    return paths


def race(rows: dict[str, Callable[[Path], np.ndarray]], slices: list[Path]) -> tuple[Timings, dict[str, list[float]]]:
    """Seconds of every row on every slice, and every sentence's cosine to the reference."""
    timings = Timings({name: [] for name in rows})
    cosines: dict[str, list[float]] = {name: [] for name in rows}
    for turn, file in enumerate(slices):
        order = list(itertools.islice(itertools.cycle(rows), turn, turn + len(rows)))
        found = {}
        for name in order:
            started = time.perf_counter()
            found[name] = rows[name](file)
            timings.seconds[name].append(time.perf_counter() - started)
        for name in rows:
            cosines[name] += (unit_length(found[name]) * unit_length(found[REFERENCE])).sum(1).tolist()
        took = [f"{timings.seconds[name][-1]:.1f} s" for name in rows]
        print(f"slice {turn + 1} of {len(slices)}: {', '.join(took)}", flush=True)
    return timings, cosines


def summary(timings: Timings, cosines: dict[str, list[float]], name: str, sentences: int) -> str:
    """One row in words: its time, how many times faster than the reference it is, how close to it."""
    seconds, reference = sum(timings.seconds[name]), sum(timings.seconds[REFERENCE])
    middle, low, high = timings.ratio(REFERENCE, name)
    return (
        f"{seconds:7.1f} s, {sentences / seconds:6.0f}/s, {reference / seconds:.2f}x; by slice {middle:.2f}x "
        f"({low:.2f}-{high:.2f}); cosine lowest {min(cosines[name]):.6f}, mean {np.mean(cosines[name]):.6f}"
    )


def machine() -> str:
    """The processor, and whether it multiplies bytes in one instruction (VNNI), which int8 lives by."""
    place, listing = describe(), Path("/proc/cpuinfo")
    flags = listing.read_text(encoding="utf-8").split() if listing.is_file() else []
    vnni = next((flag for flag in ("avx512_vnni", "avx_vnni") if flag in flags), "no VNNI")
    return f"{place['cpu']}, {place['cores']} cores, {place['instruction_set']}, {vnni}"


def peak_mb(model: Path, file: Path, folder: Path) -> float:
    command = [sys.executable, "-c", PEAK, model, file, folder / "out.npy"]
    return int(subprocess.run(command, check=True, capture_output=True, text=True).stdout) * MB_OF_KIB


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("file", type=Path, nargs="+")
    parser.add_argument("--pairs", type=Path, required=True)
    parser.add_argument("--count", type=int, default=100_000)
    parser.add_argument("--slices", type=int, default=10)
    parser.add_argument("--memory", action="store_true")
    options = parser.parse_args()
    texts = [list(read_lines(path)) for path in options.file]
    sentences = list(itertools.chain(*(side[: options.count // len(texts)] for side in texts)))
    sentences = [sentences[i] for i in np.random.default_rng(0).permutation(len(sentences))]
    print(f"{machine()}, torch threads {torch.get_num_threads()}")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        forms = export(options.model, options.pairs, folder)
        rows = {REFERENCE: embed_by_sentence_transformers(options.model), "headshrink": embed_file(options.model)}
        rows |= {f"headshrink, {name}": embed_file(place) for name, place in forms.items()}
        slices = write_slices(sentences, options.slices, folder)
        timings, cosines = race(rows, slices)
        print(f"{len(sentences):,} sentences")
        for name in rows:
            print(f"{name:>21}: {summary(timings, cosines, name, len(sentences))}")
        if options.memory:
            (fifth,) = write_slices(sentences[: len(sentences) // 5], 1, folder)
            less = peak_mb(forms["onnx_int8" if "onnx_int8" in forms else "onnx"], fifth, folder)
            (everything,) = write_slices(sentences, 1, folder)
            more = peak_mb(forms["onnx_int8" if "onnx_int8" in forms else "onnx"], everything, folder)
            print(f"peak memory {less:.0f} MB on {len(sentences) // 5:,} lines, {more:.0f} MB on {len(sentences):,}")


if __name__ == "__main__":
    main()
