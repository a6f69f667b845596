"""Parameters of the section `benchmark`."""

from typing import Annotated

from pydantic import Field

from headshrink.parameters.section import MAX_BATCH, NOTHING, Once, Section, name_from


class BenchmarkParams(Section):
    """What is measured."""

    tasks: Annotated[list[name_from("benchmarking/suite")], Once] = Field(  # type: ignore[valid-type]
        ["sts", "pi", "nli", "sa", "ti", "ia", "ic", "icx", "ne1", "ne2"],
        min_length=1,
        description="encodechka tasks, by name",
    )
    batch_size: int = Field(64, ge=1, le=MAX_BATCH, description="texts per batch; scores do not depend on it")
    repeats: int = Field(
        20, ge=3, le=10_000, description="timed rounds per setting; models alternate, the median counts"
    )
    pairs: str = Field(
        NOTHING,
        description="file or folder of pairs (English TAB Russian) for translation retrieval; profiles/none: not "
        "measured",
    )
    graded: str = Field(
        NOTHING,
        description="CSV of sentence1,sentence2,similarity_score for graded similarity; profiles/none: not measured",
    )
    limit_s: float = Field(
        10, gt=0, le=86_400, description="maximum seconds per setting; rounds end earlier when ratios are known to 5%"
    )


DEFAULTS = BenchmarkParams()
