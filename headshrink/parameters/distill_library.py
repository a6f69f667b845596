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
        description="training time in place of epochs: as many steps as fit, by a short trial on this machine; empty: "
        "epochs",
    )
    mlm_head_steps: int = MLM_HEAD_STEPS
