"""Stage speed: teacher and student in every way of running them that is chosen, timed in one run."""

import json
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field

from tasks.section import Section

MODELS = {"teacher": "teacher", "student": "export"}  # name: its folder under artifacts
Row = Literal[
    "torch", "torch_bf16", "torch_compile", "torch_compile_freezing", "torch_compile_bf16",
    "onnx_none", "onnx_basic", "onnx_extended", "onnx", "onnx_attention", "onnx_int8", "onnx_int4",
    "openvino", "openvino_bf16", "openvino_int8", "cuda", "cuda_bf16",
]  # fmt: skip  # as headshrink.speed.TRICKS: known here without torch
Setting = Annotated[str, Field(pattern=r"^b[1-9]\d*_[1-9]\d*tokens_(1thread|allthreads)$")]


class Params(Section):
    """Which ways, and how long they are measured."""

    rows: list[Row] = Field(min_length=1, description="ways of running; torch, which ratios are to, is always there")
    settings: list[Setting] = Field(min_length=1, description="texts a batch, tokens a text, threads")
    repeats: int = Field(20, ge=3, description="timed rounds a setting; all rows alternate, medians count")
    limit_s: float = Field(10, gt=0, description="seconds after which a setting's rounds end, settled or not")
    sentences: int = Field(256, ge=2, description="held-out sentences that rows are held to eager fp32 on")
    mean_s: bool = Field(False, description="encodechka's mean S of every row, at the model's own pooling")


def run(params) -> None:
    """Read teacher, export, held-out pairs and, for mean S, the suite; write speed.json."""
    from headshrink.benchmark.read import open_suite
    from headshrink.benchmark.timing import Setting
    from headshrink.speed import as_json, measure
    from tasks.heldout import heldout
    from tasks.machine import machine
    from tasks.stage import ARTIFACTS, output

    chosen = params.speed
    subjects = {name: subject(ARTIFACTS / folder) for name, folder in MODELS.items()}
    sentences = [text for side in heldout(-(-chosen.sentences // 2)) for text in side]
    settings = [Setting.named(name) for name in chosen.settings]
    suite = open_suite(ARTIFACTS / "suite") if chosen.mean_s else None
    with machine.timing("speed"):
        rows = measure(subjects, chosen.rows, sentences, settings, chosen.repeats, chosen.limit_s, suite)
    exported = {"exported": sorted(set(subjects["student"].forms) - {"transformers"})}
    with output(ARTIFACTS / "speed", "speed") as folder:
        content = as_json(rows) | exported
        (folder / "speed.json").write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def subject(folder: Path) -> Any:
    """A model with the forms that its export wrote, and what the gate said of those that it did not."""
    from headshrink.export import TARGETS, Original
    from headshrink.model import load_encoder
    from headshrink.speed import Subject

    listing = folder / "gate.json"
    gate = json.loads(listing.read_text(encoding="utf-8")) if listing.is_file() else {}
    refused = {name: f"not exported: {found['refused']}" for name, found in gate.items() if found.get("refused")}
    forms = {name: folder / TARGETS[name].place for name in ["transformers", *gate] if name not in refused}
    return Subject(Original(load_encoder(folder)), forms, refused)


if __name__ == "__main__":
    from tasks.stage import main

    main(run, "speed")
