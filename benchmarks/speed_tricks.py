"""The table of speed tricks for any model folders: what each runtime gives, in turns on this machine, as Markdown.

    python benchmarks/speed_tricks.py MODEL... --sentences FILE [--rows torch,onnx,onnx_int8] [--limit-s 5]

A row that cannot run here stands with the reason. Ratios are times over eager fp32's, median of alternating rounds with
its 95% interval: below 1 is faster.
"""

import argparse
from pathlib import Path

from headshrink.benchmark.machine import describe
from headshrink.export import Original
from headshrink.model import load_encoder
from headshrink.speed import SETTINGS, TRICKS, Row, measure

SENTENCES = 256


def table(rows: dict[str, Row]) -> str:
    header = ["row", *(setting.name for setting in SETTINGS), "start, s", "MB", "cosine, mean", "lowest"]
    lines = [header, [":--"] + ["--:"] * (len(header) - 1)]
    for row in rows.values():
        lines.append([row.title, *([row.absent] if row.absent else cells(row))])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def cells(row: Row) -> list[str]:
    times = []
    for setting in SETTINGS:
        name = setting.name
        own = f"latency_ms_{name}" if setting.batch == 1 else f"throughput_per_s_{name}"
        unit = "ms" if setting.batch == 1 else "/s"
        ratio, low, high = (row.costs[f"time_ratio_{name}{end}"] for end in ("", "_low", "_high"))
        times.append(f"{row.costs[own]:.1f} {unit}, {ratio:.2f} ({low:.2f}–{high:.2f})")
    cosines = [f"{row.mean_cosine:.5f}", f"{row.lowest_cosine:.5f}"]
    return [*times, f"{row.startup_s:.1f}", f"{row.weights_mb:.1f}", *cosines]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path, nargs="+")
    parser.add_argument("--sentences", type=Path, required=True)
    parser.add_argument("--rows", default=",".join(TRICKS))
    parser.add_argument("--limit-s", type=float, default=5.0)
    options = parser.parse_args()
    place = describe()
    print(f"{place['cpu']}, {place['cores']} cores, {place['instruction_set']}, torch {place['torch']}\n")
    sentences = options.sentences.read_text(encoding="utf-8").splitlines()[:SENTENCES]
    for folder in options.model:
        rows = measure(Original(load_encoder(folder)), options.rows.split(","), sentences, limit_s=options.limit_s)
        print(f"## {folder.name}\n\n{table(rows)}\n", flush=True)


if __name__ == "__main__":
    main()
