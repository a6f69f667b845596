"""The table of speed tricks for any model folders: what each runtime gives, all in turns on this machine, as Markdown.

    python benchmarks/speed_tricks.py NAME=FOLDER... --sentences FILE [--rows torch,onnx,onnx_int8] [--limit-s 5]

A row that cannot run here stands with the reason. Ratios are times over the same model's in eager fp32, median of
alternating rounds with its 95% interval: below 1 is faster. `--suite` adds encodechka's mean S of every row.
"""

import argparse
from itertools import islice
from pathlib import Path

from headshrink.benchmarking.read import open_suite
from headshrink.data.text.sentences import read_sentences
from headshrink.exporting import Original
from headshrink.model import load_encoder
from headshrink.report.render import markdown_table
from headshrink.report.speed import speed_tables
from headshrink.speed import TRICKS, TimedModel, as_json, measure

SENTENCES = 256


def named(text: str) -> tuple[str, Path]:
    """NAME=FOLDER; a row's key is NAME/ROW, so a name holds no slash."""
    name, _, folder = text.partition("=")
    if not name or "/" in name or not folder:
        raise argparse.ArgumentTypeError(f"{text}: NAME=FOLDER is needed, no slash in NAME")
    return name, Path(folder)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", type=named, nargs="+", metavar="NAME=FOLDER")
    parser.add_argument("--sentences", type=Path, required=True)
    parser.add_argument("--rows", default=",".join(TRICKS))
    parser.add_argument("--limit-s", type=float, default=5.0)
    parser.add_argument("--suite", type=Path)
    options = parser.parse_args()
    sentences = list(islice(read_sentences(options.sentences), SENTENCES))
    subjects = {
        name: TimedModel(Original(load_encoder(folder)), {"transformers": folder}) for name, folder in options.models
    }
    suite = open_suite(options.suite) if options.suite else None
    rows = measure(subjects, options.rows.split(","), sentences, limit_s=options.limit_s, suite=suite)
    found = as_json(rows)
    place = found["machine"]
    print(f"{place['cpu']}, {place['cores']} cores, {place['instruction_set']}, torch {place['torch']}")
    for model, table in speed_tables(found).items():
        print(f"\n## {model}\n\n{markdown_table(table)}")


if __name__ == "__main__":
    main()
