"""Stage export: the student in every form it is used in, checked against the model in memory."""

import json
from typing import Any

from pydantic import Field

from tasks.section import Section, name_from


class Gate(Section):
    """What a lossy form may lose against the model, on held-out pairs."""

    pairs: int = Field(500, ge=10, description="held-out pairs it is measured on")
    min_cosine: float = Field(0.98, ge=0, le=1, description="mean, to the model's own embedding")
    max_retrieval_loss: float = Field(0.01, ge=0, le=1, description="share of sentences whose translation is lost")
    min_rank: float = Field(0.98, ge=0, le=1, description="Spearman's of all en-ru similarities")


class Params(Section):
    """Which forms."""

    targets: list[name_from("export/targets")] = Field(min_length=1, description="forms to write, in order")  # type: ignore[valid-type]
    check_sentences: int = Field(256, ge=1, description="held-out sentences each lossless form must reproduce")
    reduce_range: bool = Field(True, description="int8: weights of 7 bits, the same result on processors without VNNI")
    gate: Gate = Field(description="limits of lossy forms")


def run(params) -> None:
    """Read artifacts/student/model, corpus/heldout.parquet, teacher.json and prune.json; write artifacts/export."""
    from headshrink.export import TARGETS, Options, write_card
    from headshrink.model import load_encoder
    from tasks.stage import ARTIFACTS, output

    student = load_encoder(ARTIFACTS / "student" / "model")
    with output(ARTIFACTS / "export", "export") as folder:
        for name in params.export.targets:
            target = TARGETS[name]
            target.write(student, folder / target.place, Options(reduce_range=params.export.reduce_range))
            print(f"export: {name}: {check(name, target.open(folder / target.place), student, params.export)}")
        if "transformers" in params.export.targets:
            facts = [read_json("teacher/teacher.json"), read_json("pruned/prune.json")]
            facts[1]["student"] = params.distill.student.kind
            write_card(student, folder, [TARGETS[name] for name in params.export.targets], *facts)


def check(name: str, embed, student, params: Params) -> str:
    """Hold one form to what it must prove; HeadshrinkError where it fails."""
    from headshrink.export import TARGETS, Limits, check_quality, check_reload

    if TARGETS[name].lossless:
        sentences = [text for side in heldout((params.check_sentences + 1) // 2) for text in side]
        sentences = sentences[: params.check_sentences]
        worst = check_reload(name, embed, sentences, student.encode(sentences))
        return f"lowest cosine to the model in memory {worst:.6f}"
    limits = Limits(params.gate.min_cosine, params.gate.max_retrieval_loss, params.gate.min_rank)
    return str(check_quality(name, embed, *heldout(params.gate.pairs), student.encode, limits))


def heldout(count: int) -> tuple[list[str], list[str]]:
    """English and Russian sides of the first held-out pairs; fewer where the corpus holds fewer."""
    import pandas as pd

    from tasks.stage import ARTIFACTS

    table = pd.read_parquet(ARTIFACTS / "corpus" / "heldout.parquet", columns=["en", "ru"]).head(count)
    return list(table["en"]), list(table["ru"])


def read_json(name: str) -> dict[str, Any]:
    from tasks.stage import ARTIFACTS

    return json.loads((ARTIFACTS / name).read_text(encoding="utf-8"))


if __name__ == "__main__":
    from tasks.stage import main

    main(run, "export")
