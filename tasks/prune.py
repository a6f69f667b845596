"""Stage prune: cut the least important heads and FFN neurons out of the weights."""

from typing import Annotated, Literal

from pydantic import Field

from tasks.section import Section

Ratio = Annotated[float, Field(ge=0, lt=1)]


class Params(Section):
    """How much goes, and how it is chosen."""

    ratio: Ratio = Field(0.5, description="share of heads and of FFN neurons to cut, in [0, 1)")
    heads: Ratio | None = Field(None, description="share of heads; empty: ratio")
    ffn: Ratio | None = Field(None, description="share of FFN neurons; empty: ratio")
    ranking: Literal["global", "layer"] = Field("global", description="rank over all layers, or within each")


def run(params) -> None:
    raise NotImplementedError


if __name__ == "__main__":
    from tasks.stage import main

    main(run, "prune")
