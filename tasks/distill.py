"""Stage distill: pull the cut model back to its teacher."""

from headshrink.parameters.compute import DEFAULTS as COMPUTE
from headshrink.parameters.compute import ComputeParams
from headshrink.parameters.distill import DistillParams
from headshrink.parameters.section import LIBRARY

LIBRARY_PARTS = ("checkpoint.py", "data", "distillation", "importance", "model", "pruning")


def run(distill: DistillParams, compute: ComputeParams = COMPUTE) -> None:
    """Read teacher, cut model, shards and targets; write artifacts/student: model, record, metrics and curve."""
    import shutil
    from pathlib import Path

    from headshrink.checkpoint import Checkpoints, fingerprint
    from headshrink.data.shards import read_split
    from headshrink.data.table import SentenceTable
    from headshrink.data.targets import stored_targets, with_stored_single
    from headshrink.distillation.processes import Processes
    from headshrink.distillation.record import summary, write_curve, write_metrics
    from headshrink.distillation.run import Tracking, distill_by, needs_teacher, origin_of, untrained
    from headshrink.distillation.students import STUDENTS
    from headshrink.distillation.training_data import Reference, TrainingData
    from headshrink.model import load_encoder, save_encoder
    from headshrink.model.mlm_head import load_mlm_head
    from headshrink.output import new_folder
    from headshrink.pruning import write_record
    from tasks.live import LiveCurve
    from tasks.stage import ARTIFACTS, WORK
    from tasks.tracking import cut_name
    from tasks.unused import is_used, read_record

    def table(split: str) -> SentenceTable:
        return SentenceTable.from_dataset(
            read_split(ARTIFACTS / "shards", split), [stored_targets(ARTIFACTS / "targets", split)]
        )

    train, heldout = with_stored_single(table("train"), ARTIFACTS / "targets"), table("heldout")
    code = [Path(__file__), *(LIBRARY / name for name in LIBRARY_PARTS)]
    inputs = [ARTIFACTS / name for name in ("shards", "targets", "pruned", "teacher")]
    checkpoints = Checkpoints(WORK / "distill" / fingerprint([*code, *inputs], distill.model_dump()))
    processes = Processes(compute.device)
    if processes.first:
        checkpoints.remove_others()
    device = processes.device
    teacher = load_encoder(ARTIFACTS / "teacher").to(device)
    pruned = load_encoder(ARTIFACTS / "pruned").to(device) if is_used(ARTIFACTS / "pruned") else None
    origin = origin_of(teacher, pruned, train)
    student = untrained(distill, origin)
    record = read_record(ARTIFACTS / "pruned")
    settings = record.get("settings", {})
    reference = Reference()
    if needs_teacher(distill):
        reference = Reference(teacher, load_mlm_head([ARTIFACTS / "targets", ARTIFACTS / "teacher"], teacher.backbone))
    data = TrainingData(train, heldout, reference)
    with LiveCurve(cut_name(distill.student.kind, settings), distill.model_dump()) as live:
        trained = distill_by(distill, origin, data, student, settings, Tracking(checkpoints, live.row))
    with new_folder(ARTIFACTS / "student") as folder:
        save_encoder(trained.encoder, folder / "model")
        write_metrics(trained.result, folder / "metrics.json")
        write_curve(trained.result.curve, folder / "curve.csv")
        made = STUDENTS[distill.student.kind].made  # for the model card
        write_record((trained.record or record) | {"made": made}, folder)
    shutil.rmtree(WORK / "distill", ignore_errors=True)
    print(summary(trained.result))


if __name__ == "__main__":
    from tasks.stage import main

    main(run, "distill", "student")
