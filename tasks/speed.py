"""Stage speed: teacher and student in every way of running them that is chosen, timed in one run."""

import json
import re
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from tasks.section import MAX_BATCH, Once, Section

MODELS = {"teacher": "teacher", "student": "export"}  # name: its folder under artifacts
Row = Literal[
    "torch", "torch_bf16", "torch_compile", "torch_compile_freezing", "torch_compile_bf16",
    "onnx_none", "onnx_basic", "onnx_extended", "onnx", "onnx_attention", "onnx_int8", "onnx_int4",
    "openvino", "openvino_bf16", "openvino_int8", "cuda", "cuda_bf16",
]  # fmt: skip  # as headshrink.speed.TRICKS: known here without torch
MIN_TOKENS, MAX_TOKENS = 3, 512  # [CLS], one piece, [SEP]; the longest that a teacher reads


def measurable(setting: str) -> str:
    """The setting; ValueError where its name or its numbers are not allowed."""
    found = re.fullmatch(r"b([0-9]{1,9})_([0-9]{1,9})tokens_(1thread|allthreads)", setting)
    if not found or not 1 <= int(found[1]) <= MAX_BATCH or not MIN_TOKENS <= int(found[2]) <= MAX_TOKENS:
        raise ValueError(
            f"b<1 to {MAX_BATCH}>_<{MIN_TOKENS} to {MAX_TOKENS}>tokens_<1thread or allthreads> is needed, "
            "as b1_32tokens_1thread"
        )
    return setting


Setting = Annotated[str, AfterValidator(measurable)]


class Params(Section):
    """Which ways, and how long they are measured."""

    rows: Annotated[list[Row], Once] = Field(
        ["torch", "onnx", "onnx_int8"],
        min_length=1,
        description="ways of running teacher and student; torch, the reference of ratios, is always measured",
    )
    settings: Annotated[list[Setting], Once] = Field(
        ["b1_32tokens_1thread", "b32_32tokens_allthreads"],
        min_length=1,
        description="texts per batch, tokens per text, threads",
    )
    repeats: int = Field(
        20, ge=3, le=10_000, description="timed rounds per setting; all rows alternate, the median counts"
    )
    limit_s: float = Field(
        10, gt=0, le=86_400, description="maximum seconds per setting; rounds end earlier when ratios are known to 5%"
    )
    sentences: int = Field(
        256, ge=2, le=1_000_000, description="held-out sentences on which each row is compared with eager fp32"
    )
    mean_s: bool = Field(False, description="measure mean S of every row at the model's own pooling (minutes per row)")


def run(params) -> None:
    """Read teacher, export, held-out pairs and, for mean S, the suite; write speed.json."""
    from headshrink.benchmarking.read import open_suite
    from headshrink.benchmarking.timing import Setting
    from headshrink.output import new_folder
    from headshrink.speed import as_json, measure
    from tasks.heldout import heldout
    from tasks.machine import machine
    from tasks.stage import ARTIFACTS

    chosen = params.speed
    subjects = {name: subject(ARTIFACTS / folder) for name, folder in MODELS.items()}
    sentences = [text for side in heldout(-(-chosen.sentences // 2)) for text in side]
    settings = [Setting.named(name) for name in chosen.settings]
    suite = open_suite(ARTIFACTS / "suite") if chosen.mean_s else None
    with machine.timing("speed"):
        rows = measure(subjects, chosen.rows, sentences, settings, chosen.repeats, chosen.limit_s, suite)
    exported = {"exported": sorted(set(subjects["student"].forms) - {"transformers"})}
    with new_folder(ARTIFACTS / "speed") as folder:
        content = as_json(rows) | exported
        (folder / "speed.json").write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def subject(folder: Path) -> Any:
    """A model with the forms that its export wrote, and what the gate said of those that it did not."""
    from headshrink.exporting import TARGETS, Original
    from headshrink.model import load_encoder
    from headshrink.speed import Subject

    listing = folder / "gate.json"
    gate = json.loads(listing.read_text(encoding="utf-8")) if listing.is_file() else {}
    refused = {name: f"not exported: {found['refused']}" for name, found in gate.items() if found.get("refused")}
    forms = {name: folder / TARGETS[name].place for name in ["transformers", *gate] if name not in refused}
    return Subject(Original(load_encoder(folder)), forms, refused)


if __name__ == "__main__":
    from tasks.stage import main

    main(run, "speed", "speed")
