"""Stage speed: teacher and student in every way of running them that is chosen, timed in one run."""

import json
from pathlib import Path
from typing import Any

from headshrink.parameters.speed import SpeedParams

MODELS = {"teacher": "teacher", "student": "export"}  # name: its folder under artifacts


def run(speed: SpeedParams) -> None:
    """Read teacher, export, held-out pairs and, for mean S, the suite; write speed.json."""
    from headshrink.benchmarking.read import open_suite
    from headshrink.benchmarking.timing import Setting
    from headshrink.output import new_folder
    from headshrink.speed import as_json, measure
    from tasks.heldout import heldout
    from tasks.machine import machine
    from tasks.stage import ARTIFACTS

    subjects = {name: subject(ARTIFACTS / folder) for name, folder in MODELS.items()}
    sentences = [text for side in heldout(-(-speed.sentences // 2)) for text in side]
    settings = [Setting.named(name) for name in speed.settings]
    suite = open_suite(ARTIFACTS / "suite") if speed.mean_s else None
    with machine.timing("speed"):
        rows = measure(subjects, speed.rows, sentences, settings, speed.repeats, speed.limit_s, suite)
    exported = {"exported": sorted(set(subjects["student"].forms) - {"transformers"})}
    with new_folder(ARTIFACTS / "speed") as folder:
        content = as_json(rows) | exported
        (folder / "speed.json").write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def subject(folder: Path) -> Any:
    """A model with the forms that its export wrote, and what the gate said of those that it did not."""
    from headshrink.exporting import TARGETS, Original
    from headshrink.model import load_encoder
    from headshrink.speed import TimedModel

    listing = folder / "gate.json"
    gate = json.loads(listing.read_text(encoding="utf-8")) if listing.is_file() else {}
    refused = {name: f"not exported: {found['refused']}" for name, found in gate.items() if found.get("refused")}
    forms = {name: folder / TARGETS[name].place for name in ["transformers", *gate] if name not in refused}
    return TimedModel(Original(load_encoder(folder)), forms, refused)


if __name__ == "__main__":
    from tasks.stage import main

    main(run, "speed", "speed")
