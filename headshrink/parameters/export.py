"""Parameters of the section `export`."""

from typing import Annotated

from pydantic import Field

from headshrink.parameters.section import Once, Section, name_from


class GateParams(Section):
    """Limits of the quality gate for lossy formats, measured on held-out pairs against the model in memory."""

    pairs: int = Field(500, ge=10, le=1_000_000, description="held-out pairs for the measurement")
    min_cosine: float = Field(0.98, ge=0, le=1, description="minimum mean cosine to the model's embeddings")
    max_retrieval_loss: float = Field(0.01, ge=0, le=1, description="maximum loss of translation retrieval at 1")
    min_rank: float = Field(
        0.98, ge=0, le=1, description="minimum Spearman correlation of all Russian-English similarities"
    )


class ExportParams(Section):
    """Which formats are written, and what they must prove."""

    targets: Annotated[list[name_from("exporting/targets")], Once] = Field(  # type: ignore[valid-type]
        ["transformers", "onnx", "onnx_int8"],
        min_length=1,
        description="formats to write, in order; the stages benchmark and speed read transformers",
    )
    check_sentences: int = Field(
        256, ge=1, le=1_000_000, description="held-out sentences that each lossless format must reproduce"
    )
    reduce_range: bool = Field(
        True, description="int8: weights of 7 bits, so that processors without VNNI give the same result"
    )
    gate: GateParams = Field(GateParams(), description="quality gate of lossy formats")


DEFAULTS = ExportParams()
