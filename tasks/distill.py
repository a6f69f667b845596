"""Stage distill: pull the cut model back to its teacher."""

from typing import Literal

from pydantic import Field

from tasks.section import Section, name_from


class Params(Section):
    """The recipe."""

    losses: dict[name_from("distill/losses"), float] = Field(description="weight of each loss, by name")  # type: ignore[valid-type]
    epochs: float = Field(3, gt=0, description="passes over the training pairs")
    batch_size: int = Field(64, ge=2, description="pairs a step")
    learning_rate: float = Field(5e-4, gt=0, description="peak")
    weight_decay: float = Field(0.01, ge=0, description="on matrices only")
    warmup: float = Field(0.05, ge=0, lt=1, description="share of steps before the peak")
    decay: Literal["linear", "cosine"] = Field("cosine", description="from the peak down to zero")
    clip: float = Field(1.0, gt=0, description="largest gradient norm")
    evaluations: int = Field(10, ge=1, description="held-out evaluations; the best chooses the checkpoint")
    checkpoint_minutes: float = Field(2, gt=0, description="between resumable checkpoints")
    precision: Literal["auto", "fp32", "bf16"] = Field("auto", description="auto: bf16 where the hardware has it")
    seed: int = Field(0, ge=0, description="order of batches and dropout")


def run(params) -> None:
    raise NotImplementedError


if __name__ == "__main__":
    from tasks.stage import main

    main(run, "distill")
