"""Stage teach: the teacher's embedding of every sentence, computed once for all students."""

from typing import Literal

from pydantic import Field

from tasks.section import Section


class Params(Section):
    """How the teacher's outputs are computed."""

    batch_size: int = Field(64, ge=1, description="sentences a batch, of similar length")
    precision: Literal["auto", "fp32", "bf16"] = Field("auto", description="auto: bf16 where the hardware has it")


def run(params) -> None:
    import torch

    from headshrink.distill.pairs import Sentences
    from headshrink.distill.precision import resolve
    from headshrink.distill.targets import write_targets
    from headshrink.model import load_encoder
    from headshrink.shards import read_split
    from tasks.stage import ARTIFACTS, output

    teacher = load_encoder(ARTIFACTS / "teacher").to("cuda" if torch.cuda.is_available() else "cpu")
    splits = {}
    for name in ("train", "heldout"):
        shards = read_split(ARTIFACTS / "shards", name)
        splits[name] = (Sentences.from_dataset(shards, "en_ids"), Sentences.from_dataset(shards, "ru_ids"))
    precision = resolve(params.teach.precision, teacher.device)
    with output(ARTIFACTS / "targets", "teach") as folder:
        write_targets(teacher, splits, folder, params.teach.batch_size, precision)


if __name__ == "__main__":
    from tasks.stage import main

    main(run, "teach")
