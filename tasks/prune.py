"""Stage prune: cut the least important heads and FFN neurons out of the weights, and refit what is left."""

from contextlib import nullcontext
from typing import Annotated, Literal

from pydantic import Field

from tasks.section import Once, Section

Ratio = Annotated[float, Field(ge=0, lt=1)]
PAIRS_A_BATCH = 32


class Params(Section):
    """How much goes, and how it is chosen."""

    ratio: Ratio = Field(0.5, description="share of heads and of FFN neurons to cut, in [0, 1)")
    heads: Ratio | None = Field(None, description="share of heads to cut; empty: ratio")
    ffn: Ratio | None = Field(None, description="share of FFN neurons to cut; empty: ratio")
    layers: Ratio = Field(
        0, description="share of layers to cut; heads and FFN neurons are cut from the remaining layers"
    )
    hidden: Ratio = Field(0, description="share of the hidden width to cut")
    embedding: Ratio = Field(
        0, description="share of the width of the token embeddings to cut, by a product of two tables"
    )
    budget: Literal["parameters", "bytes", "flops", "ms"] | None = Field(
        None, description="quantity to limit in place of ratios; a solver distributes it; empty: use the ratios"
    )
    share: float = Field(
        0.5, gt=0, lt=1, description="share of the teacher's parameters, bytes, FLOPs or time that remains"
    )
    also: Annotated[list[Literal["hidden", "embedding"]], Once] = Field(
        [], description="what a budget may cut besides heads and FFN neurons"
    )
    ranking: Literal["global", "layer"] = Field(
        "global", description="rank units over all layers, or within each layer"
    )
    least: int = Field(0, ge=0, le=100_000, description="minimum number of heads and of FFN neurons per layer")
    steps: int = Field(
        1, ge=1, le=100, description="number of cuts to reach the ratio; importance is recomputed between them"
    )
    repair: Literal["none", "bias", "outputs", "full"] = Field(
        "full", description="weights refitted by least squares after a cut"
    )
    repair_pairs: int = Field(8192, ge=32, le=10_000_000, description="training pairs for the repair")
    ridge: float = Field(100, ge=0, le=1e9, description="ridge strength of the repair, in equivalent training tokens")


def run(params) -> None:
    """Read the teacher, the scores and training pairs; write artifacts/pruned/, a model folder with prune.json."""
    from headshrink.importance import load_scores, pair_batches
    from headshrink.model import load_encoder, save_encoder
    from headshrink.output import new_folder
    from headshrink.pruning import Recipe, describe, prune, write_record
    from headshrink.pruning.vocabulary import count_tokens
    from headshrink.pruning.within import Budget, prune_within
    from headshrink.shards import read_split
    from tasks.machine import machine
    from tasks.stage import ARTIFACTS

    chosen, importance = params.prune, params.importance
    recipe = Recipe(
        heads=chosen.ratio if chosen.heads is None else chosen.heads,
        ffn=chosen.ratio if chosen.ffn is None else chosen.ffn,
        criterion=importance.criterion,
        loss=importance.loss,
        **chosen.model_dump(include={"layers", "hidden", "embedding", "ranking", "least", "steps", "repair", "ridge"}),
    )
    teacher = load_encoder(ARTIFACTS / "teacher")
    train = read_split(ARTIFACTS / "shards", "train")
    pad_id, batches = teacher.tokenizer.pad_token_id, chosen.repair_pairs // PAIRS_A_BATCH
    text = list(pair_batches(train["en_ids"], train["ru_ids"], pad_id, batches, PAIRS_A_BATCH, importance.seed + 1))
    scores = load_scores(ARTIFACTS / "importance" / "scores.safetensors")
    used = {name: getattr(recipe, name) for name in ("heads", "ffn", "criterion", "loss")}
    why = chosen.model_dump() | used

    def counts():  # a pass over all of the text: only where it is asked for
        return count_tokens((row for side in ("en_ids", "ru_ids") for row in train[side]), len(teacher.tokenizer))

    if chosen.budget:
        allowed = chosen.model_dump(include={"share", "repair", "ridge"})
        budget = Budget(chosen.budget, cut=tuple(chosen.also), **allowed)
        with machine.timing("prune") if chosen.budget == "ms" else nullcontext():  # that budget is spent by the clock
            pruned, plan, _ = prune_within(teacher, budget, scores, text, counts())
    else:
        pruned, plan = prune(teacher, recipe, scores, text, counts() if recipe.embedding else None)
    with new_folder(ARTIFACTS / "pruned") as folder:
        save_encoder(pruned, folder)
        write_record(describe(teacher, pruned, plan, **why), folder)


def run_unused() -> None:
    """Write artifacts/pruned/ with a record of no cut, and no model."""
    from headshrink.output import new_folder
    from tasks.stage import ARTIFACTS
    from tasks.unused import RECORD, write_unused

    with new_folder(ARTIFACTS / "pruned") as folder:
        write_unused(folder / RECORD)


if __name__ == "__main__":
    from tasks.stage import main

    main(run, "prune", "pruned", unused=run_unused)
