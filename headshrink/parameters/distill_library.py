"""Parameters of the function `distill` and of the command: those of the section `distill` and more."""

from pydantic import Field

from headshrink.parameters.distill import DistillParams
from headshrink.parameters.targets import MLM_HEAD_STEPS


class LibraryDistillParams(DistillParams):
    """What the function and the command offer beyond the stage."""

    minutes: float | None = Field(
        None,
        gt=0,
        le=100_000,
        description="training time in minutes, in place of epochs; a short trial finds the number of steps; empty: use "
        "epochs",
    )
    mlm_head_steps: int = MLM_HEAD_STEPS
