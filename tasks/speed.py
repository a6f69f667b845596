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
        min_length=1, description="ways of running; torch, which ratios are to, is always there"
    )
    settings: Annotated[list[Setting], Once] = Field(min_length=1, description="texts a batch, tokens a text, threads")
    repeats: int = Field(20, ge=3, le=10_000, description="timed rounds a setting; all rows alternate, medians count")
    limit_s: float = Field(
        10, gt=0, le=86_400, description="seconds after which a setting's rounds end, settled or not"
    )
    sentences: int = Field(
        256, ge=2, le=1_000_000, description="held-out sentences that rows are held to eager fp32 on"
    )
    mean_s: bool = Field(False, description="encodechka's mean S of every row, at the model's own pooling")


def run(params) -> None:
    """Read teacher, export, held-out pairs and, for mean S, the suite; write speed.json."""
    from headshrink.benchmark.read import open_suite
    from headshrink.benchmark.timing import Setting
    from headshrink.output import new_folder
    from headshrink.speed import as_json, measure
    from tasks.heldout import heldout
    from tasks.stage import ARTIFACTS

    chosen = params.speed
    subjects = {name: subject(ARTIFACTS / folder) for name, folder in MODELS.items()}
    sentences = [text for side in heldout(-(-chosen.sentences // 2)) for text in side]
    settings = [Setting.named(name) for name in chosen.settings]
    suite = open_suite(ARTIFACTS / "suite") if chosen.mean_s else None
    rows = measure(subjects, chosen.rows, sentences, settings, chosen.repeats, chosen.limit_s, suite)
    exported = {"exported": sorted(set(subjects["student"].forms) - {"transformers"})}
    with new_folder(ARTIFACTS / "speed") as folder:
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

    main(run, "speed", "speed")
