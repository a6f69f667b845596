"""Parameters of the section `compute`: where stages and commands compute, which is no part of what they compute."""

from typing import Any, Literal

from pydantic import Field

from headshrink.parameters.section import Section

Device = Literal["auto", "cpu"]
Precision = Literal["auto", "fp32", "bf16", "fp16"]
PRECISION: Any = Field(
    "auto", description="auto: bf16 where the hardware has it, fp16 on a GPU without bf16, elsewhere fp32"
)


class ComputeParams(Section):
    """The hardware."""

    device: Device = Field("auto", description="auto: a GPU where there is one; cpu: never a GPU")


DEFAULTS = ComputeParams()
