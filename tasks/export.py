"""Stage export: the student in every form it is used in, checked against the model in memory."""

import json
from typing import Any

from headshrink.parameters.compute import DEFAULTS as COMPUTE
from headshrink.parameters.compute import ComputeParams
from headshrink.parameters.distill import DistillParams
from headshrink.parameters.export import ExportParams


def run(export: ExportParams, distill: DistillParams, compute: ComputeParams = COMPUTE) -> None:
    """Read artifacts/student/model, corpus/heldout.parquet, teacher.json and prune.json; write artifacts/export.

    Of the section distill the model card names the student's kind.
    """
    from headshrink.exporting import write_card
    from headshrink.exporting.run import export_by
    from headshrink.model import best_device, load_encoder
    from headshrink.output import new_folder
    from tasks.heldout import heldout
    from tasks.stage import ARTIFACTS

    encoder = load_encoder(ARTIFACTS / "student" / "model").to(best_device(compute.device))
    sentences = [text for side in heldout((export.check_sentences + 1) // 2) for text in side]
    with new_folder(ARTIFACTS / "export") as folder:
        gate = export_by(export, encoder, folder, sentences[: export.check_sentences], heldout(export.gate.pairs))
        teacher, cut = read_json("teacher/teacher.json"), read_json("student/prune.json")
        cut["student"] = distill.student.kind
        write_card(encoder, folder, teacher, cut, gate)


def read_json(name: str) -> dict[str, Any]:
    from tasks.stage import ARTIFACTS

    content: dict[str, Any] = json.loads((ARTIFACTS / name).read_text(encoding="utf-8"))
    return content


if __name__ == "__main__":
    from tasks.stage import main

    main(run, "export", "export")
