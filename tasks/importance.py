"""Stage importance: scores of every head and FFN neuron."""

from headshrink.parameters.importance import ImportanceParams
from headshrink.parameters.section import LIBRARY


def run(importance: ImportanceParams) -> None:
    """Read the teacher and the training shards; write scores, their convergence, table and picture."""
    import shutil
    from pathlib import Path

    from headshrink.checkpoint import Checkpoints, fingerprint
    from headshrink.data.shards import read_split
    from headshrink.importance import pair_batches, save_scores, score_by
    from headshrink.importance.scores import draw_map, write_convergence, write_table
    from headshrink.model import load_encoder
    from headshrink.output import new_folder
    from headshrink.progress import track
    from tasks.stage import ARTIFACTS, WORK

    encoder = load_encoder(ARTIFACTS / "teacher")
    train = read_split(ARTIFACTS / "shards", "train")
    batches = pair_batches(
        train["en_ids"], train["ru_ids"], encoder.tokenizer.pad_token_id, importance.batches,
        importance.batch_size, importance.seed,
    )  # fmt: skip
    progress = track(batches, "importance", total=importance.batches)
    code = [Path(__file__), *(LIBRARY / name for name in ("checkpoint.py", "data/shards.py", "importance", "model"))]
    inputs = [ARTIFACTS / name for name in ("shards", "teacher")]
    checkpoints = Checkpoints(WORK / "importance" / fingerprint([*code, *inputs], importance.model_dump()))
    scores = score_by(importance, encoder, progress, checkpoints)
    with new_folder(ARTIFACTS / "importance") as folder:
        save_scores(scores, folder / "scores.safetensors")
        write_convergence(scores, folder / "convergence.json")
        write_table(scores, folder / "scores.csv")
        title = f"Importance by {importance.criterion}, {importance.loss.replace('_', ' ')}"
        draw_map(scores, folder / "map.png", title)
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
