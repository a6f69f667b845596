"""Stage importance: scores of every head and FFN neuron."""

from pydantic import Field

from tasks.section import LIBRARY, MAX_BATCH, Section, Seed, name_from


class Params(Section):
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
    stop_at: float | None = Field(
        None,
        gt=0,
        le=1,
        description="stop when the scores of even and odd batches correlate so well; empty: all batches",
    )
    seed: Seed = Field(0, description="random seed of the batches")


def run(params) -> None:
    """Read the teacher and the training shards; write scores, their convergence, table and picture."""
    import shutil
    from pathlib import Path

    from headshrink.checkpoint import Checkpoints, fingerprint
    from headshrink.importance import pair_batches, save_scores, score
    from headshrink.importance.scores import draw_map, write_convergence, write_table
    from headshrink.model import load_encoder
    from headshrink.output import new_folder
    from headshrink.progress import track
    from headshrink.shards import read_split
    from tasks.stage import ARTIFACTS, WORK

    chosen = params.importance
    encoder = load_encoder(ARTIFACTS / "teacher")
    train = read_split(ARTIFACTS / "shards", "train")
    batches = pair_batches(
        train["en_ids"], train["ru_ids"], encoder.tokenizer.pad_token_id, chosen.batches, chosen.batch_size, chosen.seed
    )
    progress = track(batches, "importance", total=chosen.batches)
    code = [Path(__file__), *(LIBRARY / name for name in ("checkpoint.py", "importance", "model", "shards.py"))]
    inputs = [ARTIFACTS / name for name in ("shards", "teacher")]
    checkpoints = Checkpoints(WORK / "importance" / fingerprint([*code, *inputs], chosen.model_dump()))
    scores = score(encoder, progress, [chosen.criterion], chosen.loss, chosen.seed, chosen.stop_at, checkpoints)[
        chosen.criterion
    ]
    with new_folder(ARTIFACTS / "importance") as folder:
        save_scores(scores, folder / "scores.safetensors")
        write_convergence(scores, folder / "convergence.json")
        write_table(scores, folder / "scores.csv")
        draw_map(scores, folder / "map.png", f"Importance by {chosen.criterion}, {chosen.loss.replace('_', ' ')}")
    shutil.rmtree(WORK / "importance", ignore_errors=True)  # this run's checkpoint, and abandoned ones


def run_unused() -> None:
    """Write scores of no layers, a table of no rows and a picture that says so."""
    import torch

    from headshrink.importance import Scores, save_scores
    from headshrink.importance.scores import draw_note, write_table
    from headshrink.output import new_folder
    from tasks.stage import ARTIFACTS
    from tasks.unused import UNUSED, write_unused

    scores = Scores(heads=torch.empty(0, 0), ffn=torch.empty(0, 0))
    with new_folder(ARTIFACTS / "importance") as folder:
        save_scores(scores, folder / "scores.safetensors")
        write_unused(folder / "convergence.json")
        write_table(scores, folder / "scores.csv")
        draw_note(folder / "map.png", f"Importance was not computed: {UNUSED['reason']}")


if __name__ == "__main__":
    from tasks.stage import main

    main(run, "importance", "importance", unused=run_unused)
