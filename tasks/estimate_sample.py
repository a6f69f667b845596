"""The sample of `tasks.estimate`: some of the pairs, the suite and the steps, and how much more there is of each."""

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from headshrink.parameters.section import GENERATED, NOTHING
from tasks.params import LOCAL_PATHS, Params

CORPUS_PAIRS = 20_000  # for what is quick per pair: cleaning, tokenizing, importance, repair
TEXT_PAIRS = 512  # for the teacher's and the student's passes
SHORTENED = {"teacher": ("steps", 30), "importance": ("batches", 4), "prune": ("repair_pairs", 1024)}
SUITE_ROWS = 3000
LIMIT_S = 0.2  # per timed setting
WAYS = ("torch", "torch_compile", "onnx", "openvino")  # rows of the stage speed: one of each kind
SETTINGS = 2
TIMED_SETTINGS = 12  # of the stage benchmark
SPLITS = ("train", "heldout")


@dataclass
class Sample:
    """The parameters that stages run with on the sample, and the whole's amounts relative to the sample's."""

    parameters: Params
    ratios: dict[str, float] = field(default_factory=dict)
    pairs: int = 0
    reading_s: float = 0  # of the whole source
    timing_s: dict[str, float] = field(default_factory=dict)  # by stage: the whole's timings, which end by the clock


def draw_sample(parameters: Params, folder: Path) -> Sample:
    """Write a sample of the source's pairs below a new folder; the parameters that make each stage short."""
    (folder / "artifacts").mkdir(parents=True)
    total, reading_s = write_pairs(parameters, folder / "pairs.tsv")
    sections = absolute(parameters.model_dump(exclude_unset=True))
    sample = Sample(parameters, {"corpus": max(1, total / CORPUS_PAIRS)}, reading_s=reading_s)
    sections["corpus"] = {"source": "parallel", "path": str(folder / "pairs.tsv"), **cleaning(sections["corpus"])}
    for section, (key, short) in SHORTENED.items():
        whole = getattr(getattr(parameters, section), key)
        few = min(short, whole)
        sample.ratios[section] = whole / few
        if section != "teacher" or parameters.teacher.source == GENERATED:
            sections[section][key] = few
    shorten_timings(sections, sample)
    sample.parameters = Params.model_validate(sections)
    return sample


def write_pairs(parameters: Params, path: Path) -> tuple[int, float]:
    """Every k-th pair of the source as TSV; the number of all pairs, and the seconds that reading them takes."""
    from tasks.corpus import open_source

    started = time.perf_counter()
    total = sum(1 for _ in open_source(parameters.corpus, Path(".work/downloads").resolve()).pairs())
    reading_s = time.perf_counter() - started
    step = max(1, total // CORPUS_PAIRS)
    with open(path, "w", encoding="utf-8") as file:
        for i, pair in enumerate(open_source(parameters.corpus, Path(".work/downloads").resolve()).pairs()):
            if i % step == 0:
                file.write(f"{pair.en}\t{pair.ru}\n".replace("\r", " "))
    return min(total, parameters.corpus.max_pairs or total), reading_s


def cleaning(corpus: dict[str, Any]) -> dict[str, Any]:
    """The values of the section corpus that say how pairs are cleaned."""
    kept = ("min_chars", "max_chars", "max_length_ratio", "heldout_percent")
    return {key: value for key, value in corpus.items() if key in kept}


def absolute(sections: dict[str, Any]) -> dict[str, Any]:
    """The sections with paths of the user's files absolute: the sample's stages run in another folder."""
    for section, key in LOCAL_PATHS:
        value = sections[section].get(key)
        if value not in (None, NOTHING) and sections[section].get("source") != GENERATED:
            sections[section][key] = str(Path(value).resolve())
    return sections


def shorten_timings(sections: dict[str, Any], sample: Sample) -> None:
    """Short timings, and few rows and settings of the stage speed; what the whole takes more goes into the sample."""
    speed = sample.parameters.speed
    rows = [row for row in speed.rows if row in WAYS] or speed.rows[:1]
    sample.ratios["speed"] = len(speed.rows) / len(rows)
    sample.timing_s = {
        "benchmark": TIMED_SETTINGS * sample.parameters.benchmark.limit_s, "speed": len(speed.settings) * speed.limit_s,
    }  # fmt: skip
    short = {"limit_s": LIMIT_S, "repeats": 3}
    sections["speed"] |= short | {"rows": rows, "settings": speed.settings[:SETTINGS]}
    sections["benchmark"] |= short


def reduce_suite(sample: Sample, artifacts: Path) -> None:
    """Every k-th row of the benchmark's files, in place."""
    from headshrink.data.text.lines import read_text

    suite = artifacts / "suite"
    tables = [path for path in suite.iterdir() if path.suffix in (".csv", ".json") and path.name != "suite.json"]
    rows = sum(len(list(records(read_text(path), path.suffix))) for path in tables)
    step = max(1, rows // SUITE_ROWS)
    sample.ratios["benchmark"] = step
    for path in tables:
        write_every(path, step)
    listing = suite / "suite.json"
    content = json.loads(listing.read_text(encoding="utf-8"))
    listing.write_text(json.dumps(content | {"files": {}}), encoding="utf-8")


def records(text: str, suffix: str) -> Iterator[Any]:
    """The rows of a table as CSV, or the texts of a JSON file with entities."""
    import csv

    yield from csv.reader(text.splitlines(keepends=True)) if suffix == ".csv" else json.loads(text)["texts"]


def write_every(path: Path, step: int) -> None:
    """Keep every `step`-th row of one file."""
    import csv

    text = path.read_text(encoding="utf-8")
    path.unlink()
    if path.suffix == ".json":
        content = json.loads(text)
        path.write_text(json.dumps({key: rows[::step] for key, rows in content.items()}), encoding="utf-8")
        return
    header, *rows = csv.reader(text.splitlines(keepends=True))
    with open(path, "w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([header, *rows[::step]])


def reduce_shards(sample: Sample, artifacts: Path) -> None:
    """Few pairs of each split for the teacher's and the student's passes."""
    manifest = json.loads((artifacts / "shards" / "manifest.json").read_text(encoding="utf-8"))
    rows = {split: sum(one["rows"] for one in manifest["shards"] if one["file"].startswith(split)) for split in SPLITS}
    step = max(1, rows["train"] // TEXT_PAIRS)
    sample.ratios["targets"] = sample.ratios["corpus"] * step
    process = get_context("spawn").Process(target=write_few, args=(artifacts / "shards", step))  # pyarrow has threads
    process.start()
    process.join()
    if process.exitcode:
        raise RuntimeError(f"the sample of {artifacts / 'shards'} was not written: exit code {process.exitcode}")


def write_few(shards: Path, step: int) -> None:
    """Every `step`-th row of each split's Arrow files, as one file."""
    from datasets.arrow_writer import ArrowWriter

    from headshrink.data.shards import FEATURES, read_split

    for split in SPLITS:
        data = read_split(shards, split)
        few = data.select(range(0, len(data), step)).flatten_indices()
        files = list((shards / split).glob("*.arrow"))
        with ArrowWriter(path=str(shards / "few"), features=FEATURES) as writer:
            writer.write_table(few.data.table)
            writer.finalize()
        for file in files:
            file.unlink()
        (shards / "few").rename(files[0])
