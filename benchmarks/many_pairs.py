"""A corpus of any size for time and memory alone: distinct pairs in the Yandex archive's layout, made of real ones.

Each pair is real pairs one after another, until the English side has WORDS words: about 25 tokens per side. Which ones
follows from the seed; a larger count keeps the same pairs and adds to them.

    python benchmarks/many_pairs.py PAIRS ARCHIVE --count 1000000
    make profile NAME=labse-en-ru SET="corpus.path=ARCHIVE ..."
"""

import argparse
import random
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

from headshrink.data.text.pairs import Row, complete_rows
from headshrink.progress import track

WORDS = 15
ENTRIES = {"en": "1mcorpus/corpus.en_ru.1m.en", "ru": "1mcorpus/corpus.en_ru.1m.ru"}


def recombined(rows: list[Row], count: int, seed: int) -> Iterator[tuple[str, str]]:
    """`count` distinct pairs."""
    rng, seen = random.Random(seed), set()
    while len(seen) < count:
        chosen = [rng.choice(rows)]
        while sum(row.left.count(" ") + 1 for row in chosen) < WORDS:
            chosen.append(rng.choice(rows))
        pair = " ".join(row.left for row in chosen), " ".join(row.right for row in chosen)
        if hash(pair) not in seen:
            seen.add(hash(pair))
            yield pair


def write_archive(pairs: Iterator[tuple[str, str]], path: Path) -> None:
    """The two aligned files of the pairs in a zip."""
    with (
        tempfile.TemporaryDirectory(dir=path.parent) as folder,
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as zipped,
    ):
        files = [Path(folder) / language for language in ENTRIES]
        with open(files[0], "w", encoding="utf-8") as en, open(files[1], "w", encoding="utf-8") as ru:
            for left, right in pairs:
                en.write(f"{left}\n")
                ru.write(f"{right}\n")
        for file, entry in zip(files, ENTRIES.values(), strict=True):
            zipped.write(file, entry)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pairs", type=Path, help="file or folder of real pairs")
    parser.add_argument("archive", type=Path, help="zip archive to write")
    parser.add_argument("--count", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=0)
    chosen = parser.parse_args()
    pairs = recombined(complete_rows(chosen.pairs), chosen.count, chosen.seed)
    write_archive(track(pairs, "writing pairs", chosen.count), chosen.archive)


if __name__ == "__main__":
    main()
