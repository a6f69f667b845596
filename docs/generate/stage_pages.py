"""The reference of stages and files, and the picture of the pipeline, from dvc.yaml."""

from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

import yaml

from tasks.params import Params

ROOT = Path(__file__).resolve().parents[2]
DEMO = ROOT / "profiles" / "demo.yaml"
OUTPUTS = ("outs", "metrics", "plots")
WIDTH, HEIGHT, COLUMN, ROW = 112, 30, 148, 54
COLOURS = {"box": "#e0f2f1", "line": "#00796b", "text": "#00332c"}
PAGE = """# Stages and files

`dvc.yaml` describes the pipeline. This page is made from it. Stages exchange files only. A stage runs again when its
code, its parameters or a file that it reads has changed.

![The stages; an arrow means that the right stage reads an output of the left stage](pipeline.svg)

An arrow means that the right stage reads an output of the left stage. Where a longer way through other stages exists,
the direct arrow is left out; the table below lists all inputs.

## What runs again

After a change of `params.yaml`, `dvc repro` runs these stages; it skips a stage whose inputs come out as before. A row with a section's name holds for all parameters of the
section that have no row of their own. The stage `report` reads all parameters. `teacher.path` is `artifacts/corpus`, as in
the demo; with another path the stage `teacher` does not depend on `corpus`.

{reruns}

## Stages

{stages}

## File contracts

Later stages, MLflow and the report rely on these contracts. An output that a later stage reads contains no time, no
host name and no absolute path.

| files | format | contract |
|---|---|---|
| `corpus/` | Parquet with columns `en`, `ru`, `source`; `counts.json` | the split follows a hash of the normalised English side; no benchmark sentence is in train or held-out |
| `teacher/` | transformers folder with sentence-transformers modules | weights are safetensors; pooling and normalisation are as the modules state; `teacher.json` states the origin |
| `shards/` | Arrow, `manifest.json` | token ids and lengths per side; hash of the tokenizer |
| `importance/` | `scores.safetensors`: `heads` [layers, heads], `ffn` [layers, neurons]; `scores.csv`, `map.png` | independent of the prune ratio |
| `pruned/`, `student/model/` | transformers folder | loads in a new process; `prune.json` states what was cut and by which settings |
| `targets/` | fp16 arrays | teacher embeddings, one row per sentence, shared by all students |
| `export/` | one folder per format, `gate.json`, model card | a lossless format reproduces the embeddings; a lossy format passes the [quality gate](../concepts/decisions.md) |
| `benchmark/quality.json` | JSON, flat names | equal for equal inputs on one machine |
| `benchmark/cost.json`, `speed/speed.json` | JSON, names with units such as `latency_ms_b1` | timings with machine and date |
| `report/` | `report.md`, `report.html`, PNG | made from JSON and CSV only |
"""


@dataclass(frozen=True)
class Stage:
    """One stage: paths that it reads and writes below artifacts/, and the keys of params.yaml that it reads."""

    reads: list[str]
    writes: list[str]
    keys: list[str]


def stages() -> dict[str, Stage]:
    """The stages of dvc.yaml in its order."""
    found = yaml.safe_load((ROOT / "dvc.yaml").read_text(encoding="utf-8"))["stages"]
    return {name: stage(content) for name, content in found.items()}


def stage(content: dict[str, Any]) -> Stage:
    written = [path_of(entry) for kind in OUTPUTS for entry in content.get(kind, [])]
    read = [path for path in content["deps"] if path.startswith(("artifacts/", "${"))]
    return Stage([demo_value(path) for path in read], written, content.get("params", []))


def demo_value(path: str) -> str:
    """The path itself; for `${section.key}` the demo's value where it is an output of a stage."""
    section, _, key = path.strip("${}").partition(".")
    value = str(yaml.safe_load(DEMO.read_text(encoding="utf-8")).get(section, {}).get(key)) if key else ""
    return value if value.startswith("artifacts/") else path


def path_of(entry: str | dict[str, Any]) -> str:
    """The path of an output, which dvc.yaml gives alone or as the key of its settings."""
    return entry if isinstance(entry, str) else next(iter(entry))


def readers(found: dict[str, Stage]) -> dict[str, list[str]]:
    """For each stage the stages that read one of its outputs, or a file inside it."""
    return {
        name: [other for other, stage in found.items() if any(is_in(path, each.writes) for path in stage.reads)]
        for name, each in found.items()
    }


def is_in(path: str, outputs: list[str]) -> bool:
    return any(path == output or output.startswith(f"{path}/") or path.startswith(f"{output}/") for output in outputs)


def reruns(key: str) -> list[str]:
    """The stages, in the order of dvc.yaml, whose inputs change with a parameter, or with a section's other parameters."""
    found = stages()
    after = readers(found)
    changed = {name for name, each in found.items() if any(f"{key}.".startswith(f"{read}.") for read in each.keys)}
    for _ in found:  # no way through the pipeline is longer
        changed |= {reader for name in changed for reader in after[name]}
    return [name for name in found if name in changed]


def stages_page() -> str:
    found = stages()
    keys = sorted({key for each in found.values() for key in each.keys}, key=order)
    again = [f"| `{key}` | {', '.join(reruns(key))} |" for key in keys]
    rows = [f"| {name} | {paths(each.reads)} | {paths(each.writes)} |" for name, each in found.items()]
    return PAGE.format(
        reruns="\n".join(["| parameters | stages |", "|---|---|", *again]),
        stages="\n".join(["| stage | reads | writes |", "|---|---|---|", *rows]),
    )


def order(key: str) -> tuple[int, str]:
    """The sections in the order of params.yaml, each before its parts."""
    return list(Params.model_fields).index(key.partition(".")[0]), key


def paths(found: list[str]) -> str:
    """Paths as code; one that params.yaml gives is named by its parameter."""
    return "<br>".join(f"`{path.removeprefix('artifacts/').strip('${}')}`" for path in found)


def diagram() -> str:
    """The pipeline as SVG: a stage stands one column to the right of the last stage that it reads from."""
    found = stages()
    after = readers(found)
    column = columns(found, after)
    place = {}
    for name in found:
        above = sum(column[other] == column[name] for other in place)
        place[name] = (12 + COLUMN * column[name], 12 + ROW * above)
    arrows = [arrow(place[name], place[other]) for name in found for other in nearest(name, after)]
    boxes = [box(name, *corner) for name, corner in place.items()]
    width = max(x for x, _ in place.values()) + WIDTH + 12
    height = max(y for _, y in place.values()) + HEIGHT + 12
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}">'
    return "\n".join([head, '<rect width="100%" height="100%" fill="#fff"/>', *arrows, *boxes, "</svg>"])


def nearest(name: str, after: dict[str, list[str]]) -> list[str]:
    """The readers of a stage that read from no other of its readers, in turn."""
    further: set[str] = set()
    waiting = [other for each in after[name] for other in after[each]]
    while waiting:
        if (each := waiting.pop()) not in further:
            further.add(each)
            waiting += after[each]
    return [other for other in after[name] if other not in further]


def columns(found: dict[str, Stage], after: dict[str, list[str]]) -> dict[str, int]:
    """The length of the longest way to each stage."""
    column = dict.fromkeys(found, 0)
    for _ in found:
        for name, others in after.items():
            column |= {other: max(column[other], column[name] + 1) for other in others}
    return column


def box(name: str, x: int, y: int) -> str:
    frame = f'<rect x="{x}" y="{y}" width="{WIDTH}" height="{HEIGHT}" rx="5" fill="{COLOURS["box"]}" '
    words = f'<text x="{x + WIDTH // 2}" y="{y + 19}" text-anchor="middle" font-family="sans-serif" font-size="12" '
    return f'{frame}stroke="{COLOURS["line"]}"/>{words}fill="{COLOURS["text"]}">{escape(name)}</text>'


def arrow(start: tuple[int, int], end: tuple[int, int]) -> str:
    """A line in the row of the left box up to the gap before the right box, and a curve in this gap."""
    x1, y1, x2, y2 = start[0] + WIDTH, start[1] + HEIGHT // 2, end[0], end[1] + HEIGHT // 2
    gap = x2 - (COLUMN - WIDTH)
    curve = f"C{gap + 24},{y1} {x2 - 24},{y2} {x2},{y2}"
    return f'<path d="M{x1},{y1} H{gap} {curve}" fill="none" stroke="#90a4ae" stroke-width="1.2"/>'
