"""Tables of stages and files, and the picture of the pipeline, from dvc.yaml."""

from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

import yaml

from tasks.params import Params

ROOT = Path(__file__).resolve().parents[2]
DEMO = ROOT / "profiles" / "demo.yaml"
OUTPUTS = ("outs", "metrics", "plots")
WIDTH, HEIGHT, COLUMN, ROW = 130, 32, 158, 62
COLOURS = {"box": "#e0f2f1", "line": "#00796b", "text": "#00332c"}


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
    """The stages, in the order of dvc.yaml, whose inputs change with a parameter or a section."""
    found = stages()
    after = readers(found)
    changed = {name for name, each in found.items() if any(f"{key}.".startswith(f"{read}.") for read in each.keys)}
    for _ in found:  # no way through the pipeline is longer
        changed |= {reader for name in changed for reader in after[name]}
    return [name for name in found if name in changed]


def reruns_table() -> str:
    keys = sorted({key for each in stages().values() for key in each.keys}, key=order)
    return "\n".join(
        ["| parameters | stages |", "|---|---|", *(f"| `{key}` | {', '.join(reruns(key))} |" for key in keys)]
    )


def stages_table() -> str:
    rows = [f"| {name} | {paths(each.reads)} | {paths(each.writes)} |" for name, each in stages().items()]
    return "\n".join(["| stage | reads | writes |", "|---|---|---|", *rows])


def order(key: str) -> tuple[int, str]:
    """The sections in the order of params.yaml, each before its parts."""
    return list(Params.model_fields).index(key.partition(".")[0]), key


def paths(found: list[str]) -> str:
    """Paths as code; one that params.yaml gives is named by its parameter."""
    return "<br>".join(f"`{path.removeprefix('artifacts/').strip('${}')}`" for path in found)


def diagram() -> str:
    """The pipeline as SVG: a stage stands one row below the last stage that it reads from."""
    found = stages()
    after = readers(found)
    row = rows_of(found, after)
    place: dict[str, tuple[int, int]] = {}
    for name in found:
        beside = sum(row[other] == row[name] for other in place)
        place[name] = (12 + COLUMN * beside, 12 + ROW * row[name])
    arrows = [arrow(place[name], place[other]) for name in found for other in nearest(name, after)]
    boxes = [box(name, *corner) for name, corner in place.items()]
    width = max(x for x, _ in place.values()) + WIDTH + 12
    height = max(y for _, y in place.values()) + HEIGHT + 12
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}">'
    return "\n".join([head, '<rect width="100%" height="100%" rx="6" fill="#fff"/>', *arrows, *boxes, "</svg>"])


def nearest(name: str, after: dict[str, list[str]]) -> list[str]:
    """The readers of a stage that read from no other of its readers, in turn."""
    further: set[str] = set()
    waiting = [other for each in after[name] for other in after[each]]
    while waiting:
        if (each := waiting.pop()) not in further:
            further.add(each)
            waiting += after[each]
    return [other for other in after[name] if other not in further]


def rows_of(found: dict[str, Stage], after: dict[str, list[str]]) -> dict[str, int]:
    """The length of the longest way to each stage."""
    row = dict.fromkeys(found, 0)
    for _ in found:
        for name, others in after.items():
            row |= {other: max(row[other], row[name] + 1) for other in others}
    return row


def box(name: str, x: int, y: int) -> str:
    frame = f'<rect x="{x}" y="{y}" width="{WIDTH}" height="{HEIGHT}" rx="5" fill="{COLOURS["box"]}" '
    words = f'<text x="{x + WIDTH // 2}" y="{y + 21}" text-anchor="middle" font-family="sans-serif" font-size="13" '
    return f'{frame}stroke="{COLOURS["line"]}"/>{words}fill="{COLOURS["text"]}">{escape(name)}</text>'


def arrow(start: tuple[int, int], end: tuple[int, int]) -> str:
    """A line below the upper box down to the gap above the lower box, and a curve in this gap."""
    x1, y1, x2, y2 = start[0] + WIDTH // 2, start[1] + HEIGHT, end[0] + WIDTH // 2, end[1]
    gap = y2 - (ROW - HEIGHT)
    curve = f"C{x1},{gap + 20} {x2},{y2 - 20} {x2},{y2}"
    return f'<path d="M{x1},{y1} V{gap} {curve}" fill="none" stroke="#90a4ae" stroke-width="1.2"/>'
