"""Parameters of the section `speed`."""

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from headshrink.parameters.section import MAX_BATCH, Once, Section

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


class SpeedParams(Section):
    """Which runtimes are timed, and for how long."""

    rows: Annotated[list[Row], Once] = Field(
        ["torch", "onnx", "onnx_int8"],
        min_length=1,
        description="runtimes of teacher and student; torch is the reference of ratios and is always measured",
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


DEFAULTS = SpeedParams()
