"""Stage export: the student in every form it is used in, checked against the model in memory."""

import json
from typing import Annotated, Any

from pydantic import Field, field_validator

from tasks.section import Once, Section, name_from


class Gate(Section):
    """What a lossy form may lose against the model, on held-out pairs; beyond it, the form is repaired or left out."""

    pairs: int = Field(500, ge=10, le=1_000_000, description="held-out pairs for the measurement")
    min_cosine: float = Field(0.98, ge=0, le=1, description="minimum mean cosine to the model's embeddings")
    max_retrieval_loss: float = Field(0.01, ge=0, le=1, description="maximum loss of translation retrieval at 1")
    min_rank: float = Field(
        0.98, ge=0, le=1, description="minimum Spearman correlation of all Russian-English similarities"
    )


class Params(Section):
    """Which forms."""

    targets: Annotated[list[name_from("exporting/targets")], Once] = Field(  # type: ignore[valid-type]
        ["transformers", "onnx", "onnx_int8"],
        min_length=1,
        description="formats to write, in order; benchmark and speed read transformers",
    )
    check_sentences: int = Field(
        256, ge=1, le=1_000_000, description="held-out sentences that each lossless format must reproduce"
    )
    reduce_range: bool = Field(
        True, description="int8: weights of 7 bits, so that processors without VNNI give the same result"
    )
    gate: Gate = Field(Gate(), description="quality gate of lossy formats")

    @field_validator("targets")
    @classmethod
    def later_stages_have_their_model(cls, targets: list[str]) -> list[str]:
        if "transformers" not in targets:
            raise ValueError("transformers must be among them: benchmark and speed read it")
        return targets


def run(params) -> None:
    """Read artifacts/student/model, corpus/heldout.parquet, teacher.json and prune.json; write artifacts/export."""
    from headshrink.exporting import Limits, Options, Original, Proof, write_card, write_forms
    from headshrink.model import load_encoder
    from headshrink.output import new_folder
    from tasks.heldout import heldout
    from tasks.stage import ARTIFACTS

    model, chosen = Original(load_encoder(ARTIFACTS / "student" / "model")), params.export
    limits = Limits(chosen.gate.min_cosine, chosen.gate.max_retrieval_loss, chosen.gate.min_rank)
    sentences = [text for side in heldout((chosen.check_sentences + 1) // 2) for text in side]
    proof = Proof(model.encoder, sentences[: chosen.check_sentences], *heldout(chosen.gate.pairs), limits)
    options = Options(reduce_range=chosen.reduce_range)
    with new_folder(ARTIFACTS / "export") as folder:
        gate = write_forms(chosen.targets, model, folder, options, proof)
        teacher, cut = read_json("teacher/teacher.json"), read_json("student/prune.json")
        cut["student"] = params.distill.student.kind
        write_card(model.encoder, folder, teacher, cut, gate)


def read_json(name: str) -> dict[str, Any]:
    from tasks.stage import ARTIFACTS

    return json.loads((ARTIFACTS / name).read_text(encoding="utf-8"))


if __name__ == "__main__":
    from tasks.stage import main

    main(run, "export", "export")
