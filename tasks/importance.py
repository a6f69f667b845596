"""Stage importance: scores of every head and FFN neuron."""

from pydantic import Field

from tasks.section import LIBRARY, MAX_BATCH, Section, Seed, name_from


class Params(Section):
    """How importance is estimated; nothing here depends on how much is cut."""

    criterion: name_from("importance/criteria") = Field("taylor", description="estimator")  # type: ignore[valid-type]
    loss: name_from("importance/losses") = Field("translation_ranking", description="what it estimates the change of")  # type: ignore[valid-type]
    batches: int = Field(64, ge=1, le=1_000_000, description="batches of training pairs to accumulate over")
    batch_size: int = Field(32, ge=2, le=MAX_BATCH, description="pairs a batch; ranking needs at least two")
    stop_at: float | None = Field(None, gt=0, le=1, description="agreement of halves that ends it; empty: all batches")
    seed: Seed = Field(0, description="which batches")


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


if __name__ == "__main__":
    from tasks.stage import main

    main(run, "importance", "importance")
