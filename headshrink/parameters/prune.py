"""Parameters of the section `prune`."""

from collections.abc import Sequence
from typing import Annotated, Literal

from pydantic import Field

from headshrink.parameters.section import Once, Section

COSTS = ("fisher", "obs")  # criteria whose scores by the loss teacher_distance are costs, which a budget adds up
BUDGET_CUTS = "what a budget may cut besides heads and FFN neurons"
Ratio = Annotated[float, Field(ge=0, lt=1)]
Method = Literal["bias", "outputs", "full"]
Ranking = Literal["global", "layer"]
Measure = Literal["parameters", "bytes", "flops", "ms"]


class PruneParams(Section):
    """How many units are cut, and which."""

    ratio: Ratio = Field(0.5, description="share of heads and of FFN neurons to cut, in [0, 1)")
    heads: Ratio | None = Field(None, description="share of heads to cut; empty: ratio")
    ffn: Ratio | None = Field(None, description="share of FFN neurons to cut; empty: ratio")
    layers: Ratio = Field(
        0, description="share of layers to cut; heads and FFN neurons are cut from the remaining layers"
    )
    hidden: Ratio = Field(0, description="share of the hidden width to cut")
    embedding: Ratio = Field(
        0, description="share of the width of the token embeddings to cut; the table becomes a product of two"
    )
    budget: Measure | None = Field(
        None, description="quantity to limit in place of ratios; a solver distributes it; empty: use the ratios"
    )
    budget_share: float = Field(
        0.5, gt=0, lt=1, description="share of the teacher's parameters, bytes, FLOPs or time that remains"
    )
    budget_cuts: Annotated[Sequence[Literal["hidden", "embedding", "vocabulary"]], Once] = Field(
        [], description=BUDGET_CUTS
    )
    ranking: Ranking = Field("global", description="rank units over all layers, or within each layer")
    min_units_per_layer: int = Field(
        0, ge=0, le=100_000, description="minimum number of heads and of FFN neurons per layer"
    )
    steps: int = Field(
        1, ge=1, le=100, description="number of cuts to reach the ratio; importance is recomputed between them"
    )
    repair: Literal["none", "bias", "outputs", "full"] = Field(
        "full", description="weights refitted by least squares after a cut"
    )
    repair_pairs: int = Field(8192, ge=32, le=10_000_000, description="training pairs for the repair")
    ridge: float = Field(100, ge=0, le=1e9, description="ridge strength of the repair, in equivalent training tokens")


class StagePruneParams(PruneParams):
    """The section `prune` of params.yaml: later stages read text in the teacher's tokens, so none of them can go."""

    budget_cuts: Annotated[Sequence[Literal["hidden", "embedding"]], Once] = Field([], description=BUDGET_CUTS)


class LibraryPruneParams(PruneParams):
    """What the function and the command offer beyond the stage."""

    vocabulary: Ratio = Field(0, description="share of the tokens to cut, the rarest in the pairs")


DEFAULTS = PruneParams()
