"""Parameters of the section `targets`."""

from typing import Any

from pydantic import Field

from headshrink.parameters.compute import PRECISION, Precision
from headshrink.parameters.section import MAX_BATCH, NOTHING, Section, Seed

MLM_HEAD_STEPS: Any = Field(  # a parameter of the stage and of the function `distill`
    0,
    ge=0,
    le=10_000_000,
    description="training steps of an MLM head for losses mlm and soft_targets; 0: use the checkpoint's",
)


class TargetsParams(Section):
    """How the teacher's outputs are computed."""

    batch_size: int = Field(64, ge=1, le=MAX_BATCH, description="sentences per batch, of similar length")
    precision: Precision = PRECISION
    monolingual: str = Field(
        NOTHING, description="file, or folder of .txt files, with one sentence per line in either language"
    )
    mlm_head_steps: int = MLM_HEAD_STEPS
    augment: float = Field(
        0.0,
        ge=0,
        le=100,
        description="additional sentences with replaced words (TinyBERT), as a share of the training sentences",
    )
    seed: Seed = Field(0, description="random seed of the MLM head and of the replaced words")


DEFAULTS = TargetsParams()
