"""Stage importance: scores of every head and FFN neuron."""

from pydantic import Field

from tasks.section import Section, name_from


class Params(Section):
    """How importance is estimated; nothing here depends on how much is cut."""

    criterion: name_from("importance/criteria") = Field("taylor", description="estimator")  # type: ignore[valid-type]
    loss: name_from("importance/losses") = Field("translation_ranking", description="what it estimates the change of")  # type: ignore[valid-type]
    batches: int = Field(64, ge=1, description="batches of training pairs to accumulate over")
    batch_size: int = Field(32, ge=2, description="pairs a batch; ranking needs at least two")
    seed: int = Field(0, ge=0, description="which batches")


def run(params) -> None:
    """Read the teacher and the training shards; write scores, table and picture into artifacts/importance/."""
    from headshrink.importance import pair_batches, save_scores, score
    from headshrink.importance.scores import draw_map, write_table
    from headshrink.model import load_encoder
    from headshrink.progress import track
    from headshrink.shards import read_split
    from tasks.stage import ARTIFACTS, output

    chosen = params.importance
    encoder = load_encoder(ARTIFACTS / "teacher")
    train = read_split(ARTIFACTS / "shards", "train")
    batches = pair_batches(
        train["en_ids"], train["ru_ids"], encoder.tokenizer.pad_token_id, chosen.batches, chosen.batch_size, chosen.seed
    )
    progress = track(batches, "importance", total=chosen.batches)
    scores = score(encoder, progress, [chosen.criterion], chosen.loss, chosen.seed)[chosen.criterion]
    with output(ARTIFACTS / "importance", "importance") as folder:
        save_scores(scores, folder / "scores.safetensors")
        write_table(scores, folder / "scores.csv")
        draw_map(scores, folder / "map.png", f"Importance by {chosen.criterion}, {chosen.loss.replace('_', ' ')}")


if __name__ == "__main__":
    from tasks.stage import main

    main(run, "importance")
