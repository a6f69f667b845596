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
    """Read the teacher and the scores; write artifacts/pruned/, a model folder with prune.json."""
    from headshrink.importance.scores import load_scores
    from headshrink.model import load_encoder, save_encoder
    from headshrink.prune import cut, describe, plan_ratio, write_record
    from tasks.stage import ARTIFACTS, output

    chosen = params.prune
    heads = chosen.ratio if chosen.heads is None else chosen.heads
    ffn = chosen.ratio if chosen.ffn is None else chosen.ffn
    teacher = load_encoder(ARTIFACTS / "teacher")
    scores = load_scores(ARTIFACTS / "importance" / "scores.safetensors")
    plan = plan_ratio(scores, heads, ffn, chosen.ranking)
    pruned = cut(teacher, plan)
    why = {"heads": heads, "ffn": ffn, "ranking": chosen.ranking, "criterion": params.importance.criterion}
    with output(ARTIFACTS / "pruned", "prune") as folder:
        save_encoder(pruned, folder)
        write_record(describe(teacher, pruned, plan, **why), folder)


if __name__ == "__main__":
    from tasks.stage import main

    main(run, "prune")
