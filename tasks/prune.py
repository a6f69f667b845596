"""Stage prune: cut the least important heads and FFN neurons out of the weights, and refit what is left."""

from contextlib import nullcontext
from typing import TYPE_CHECKING

from headshrink.parameters.compute import DEFAULTS as COMPUTE
from headshrink.parameters.compute import ComputeParams
from headshrink.parameters.importance import ImportanceParams
from headshrink.parameters.prune import StagePruneParams

if TYPE_CHECKING:
    from torch import Tensor


def run(prune: StagePruneParams, importance: ImportanceParams, compute: ComputeParams = COMPUTE) -> None:
    """Read the teacher, the scores and training pairs; write artifacts/pruned/, a model folder with prune.json."""
    from headshrink.data.shards import read_split
    from headshrink.importance import load_scores, pair_batches
    from headshrink.model import best_device, load_encoder, save_encoder
    from headshrink.output import new_folder
    from headshrink.pruning import write_record
    from headshrink.pruning.run import PAIRS_PER_BATCH, prune_by
    from headshrink.trimming.token_counts import count_tokens
    from tasks.machine import machine
    from tasks.stage import ARTIFACTS

    teacher = load_encoder(ARTIFACTS / "teacher").to(best_device(compute.device))
    train = read_split(ARTIFACTS / "shards", "train")
    pad_id, batches = teacher.tokenizer.pad_token_id, prune.repair_pairs // PAIRS_PER_BATCH
    text = list(pair_batches(train["en_ids"], train["ru_ids"], pad_id, batches, PAIRS_PER_BATCH, importance.seed + 1))
    scores = load_scores(ARTIFACTS / "importance" / "scores.safetensors")

    def count() -> "Tensor":  # a pass over all of the text
        rows = (row for side in ("en_ids", "ru_ids") for row in train[side])
        return count_tokens(rows, teacher.backbone.config.vocab_size)

    with machine.timing("prune") if prune.budget == "ms" else nullcontext():  # that budget is spent by the clock
        pruned = prune_by(teacher, scores, text, (prune, importance), count)
    with new_folder(ARTIFACTS / "pruned") as folder:
        save_encoder(pruned.encoder, folder)
        write_record(pruned.record, folder)


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
