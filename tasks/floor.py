"""Stage floor: word vectors of the teacher with nothing computed above them, which a student has to beat."""


def run() -> None:
    """Write artifacts/floor: a static student as model2vec makes it, untrained."""
    import torch

    from headshrink.distillation.pairs import Sentences
    from headshrink.distillation.students.static import word_vectors
    from headshrink.model import load_encoder, save_encoder
    from headshrink.output import new_folder
    from headshrink.pruning.vocabulary import count_tokens
    from headshrink.shards import read_split
    from tasks.stage import ARTIFACTS

    teacher = load_encoder(ARTIFACTS / "teacher").to("cuda" if torch.cuda.is_available() else "cpu")
    shards = read_split(ARTIFACTS / "shards", "train")
    text = [Sentences.from_dataset(shards, side).ids for side in ("en_ids", "ru_ids")]
    counts = count_tokens(text, teacher.backbone.config.vocab_size)
    with new_folder(ARTIFACTS / "floor") as folder:
        save_encoder(word_vectors(teacher, counts), folder)


if __name__ == "__main__":
    from tasks.stage import main

    main(run, "floor", "floor")
