"""Stage importance: first-order scores of every head and FFN neuron."""

from pydantic import Field

from tasks.section import Section, name_from


class Params(Section):
    """How importance is estimated; nothing here depends on how much is cut."""

    criterion: name_from("importance/criteria") = Field("taylor", description="estimator")  # type: ignore[valid-type]
    batches: int = Field(64, ge=1, description="batches of training pairs to accumulate over")
    batch_size: int = Field(32, ge=2, description="pairs a batch; ranking needs at least two")
    seed: int = Field(0, ge=0, description="which batches")


def run(params) -> None:
    raise NotImplementedError


if __name__ == "__main__":
    from tasks.stage import main

    main(run, "importance")
