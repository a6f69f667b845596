"""Parameters of the section `importance`."""

from pydantic import Field

from headshrink.parameters.compute import Precision
from headshrink.parameters.section import MAX_BATCH, Section, Seed, name_from


class ImportanceParams(Section):
    """How importance is estimated; nothing here depends on how much is cut."""

    criterion: name_from("importance/criteria") = Field(  # type: ignore[valid-type]
        "taylor", description="criterion that scores heads and FFN neurons"
    )
    loss: name_from("importance/losses") = Field(  # type: ignore[valid-type]
        "translation_ranking", description="loss whose change the criterion estimates; obs and fisher: teacher_distance"
    )
    batches: int = Field(64, ge=1, le=1_000_000, description="number of batches of training pairs")
    batch_size: int = Field(
        32, ge=2, le=MAX_BATCH, description="pairs per batch; the other pairs are negatives of the ranking loss"
    )
    precision: Precision = Field(
        "fp32", description="of the passes: auto and bf16 take less time, and rank about as another sample would"
    )
    stop_at: float | None = Field(
        None,
        gt=0,
        le=1,
        description="stop when the rank correlation of the scores of even and odd batches reaches this value; "
        "empty: all batches",
    )
    seed: Seed = Field(0, description="random seed of the batches")


DEFAULTS = ImportanceParams()
