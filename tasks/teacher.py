"""Stage teacher: the model to compress, in one folder with its sentence-transformers modules."""

from typing import Literal

from pydantic import Field

from tasks.section import NOTHING, Section


class Params(Section):
    """Which teacher."""

    source: Literal["generated", "folder", "hub"] = Field(description="generated: trained here from scratch")
    path: str = Field(NOTHING, description="folder: the model; generated: the pairs to train on; hub: profiles/none")
    hub_id: str | None = Field(None, description="hub: model id")
    hub_revision: str | None = Field(None, description="hub: commit; a branch would not reproduce")
    allow_pickle: bool = Field(False, description="convert pytorch_model.bin (read with weights_only) where it is all there is")
    steps: int = Field(400, ge=1, le=100_000, description="generated: training steps")
    seed: int = Field(0, ge=0, description="generated: of the training")


def run(params) -> None:
    raise NotImplementedError


if __name__ == "__main__":
    from tasks.stage import main

    main(run, "teacher")
