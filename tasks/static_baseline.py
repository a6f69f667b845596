"""Stage static_baseline: word vectors of the teacher with nothing computed above them, which a student has to beat."""

from headshrink.parameters.compute import DEFAULTS as COMPUTE
from headshrink.parameters.compute import ComputeParams


def run(compute: ComputeParams = COMPUTE) -> None:
    """Write artifacts/static_baseline: a static student as model2vec makes it, untrained."""
    from headshrink.data.shards import read_split
    from headshrink.data.table import SentenceTable
    from headshrink.distillation.students.static import word_vectors
    from headshrink.model import best_device, load_encoder, save_encoder
    from headshrink.output import new_folder
    from headshrink.trimming.token_counts import count_tokens
    from tasks.stage import ARTIFACTS

    teacher = load_encoder(ARTIFACTS / "teacher").to(best_device(compute.device))
    tokens = SentenceTable.from_dataset(read_split(ARTIFACTS / "shards", "train")).tokens
    counts = count_tokens(tokens.blocks(), teacher.backbone.config.vocab_size)
    with new_folder(ARTIFACTS / "static_baseline") as folder:
        save_encoder(word_vectors(teacher, counts), folder)


if __name__ == "__main__":
    from tasks.stage import main

    main(run, "static_baseline", "static_baseline")
