"""Stage export: the student in every form it is used in, checked against the model in memory."""

import json
from pathlib import Path
from typing import Any

from pydantic import Field

from tasks.section import Section, name_from


class Gate(Section):
    """What a lossy form may lose against the model, on held-out pairs; beyond it, the form is repaired or left out."""

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
    from headshrink.export import Original, write_card
    from headshrink.model import load_encoder
    from tasks.stage import ARTIFACTS, output

    model, chosen = Original(load_encoder(ARTIFACTS / "student" / "model")), params.export
    with output(ARTIFACTS / "export", "export") as folder:
        gate = {name: write_one(name, model, folder, chosen) for name in chosen.targets}
        (folder / "gate.json").write_text(json.dumps(gate, indent=1) + "\n", encoding="utf-8")
        if "transformers" in chosen.targets:
            teacher, cut = read_json("teacher/teacher.json"), read_json("pruned/prune.json")
            cut["student"] = params.distill.student.kind
            write_card(model.encoder, folder, teacher, cut, gate)


def write_one(name: str, model, folder: Path, params: Params) -> dict[str, Any]:
    """Write one form and hold it to what it must prove: its figures.

    A lossless one that is not lossless is an error; a lossy one beyond its limits is left out, and said so.
    """
    from headshrink.export import TARGETS, Limits, Options, Pairs, check_reload, write_lossy

    target, options, encoder = TARGETS[name], Options(reduce_range=params.reduce_range), model.encoder
    place = folder / target.place
    if target.lossless:
        target.write(model, place, options)
        sentences = [text for side in heldout((params.check_sentences + 1) // 2) for text in side]
        sentences = sentences[: params.check_sentences]
        worst = check_reload(name, target.open(place), sentences, encoder.encode(sentences))
        print(f"export: {name}: lowest cosine to the model in memory {worst:.6f}")
        return {"lowest_cosine": round(worst, 6)}
    limits = Limits(params.gate.min_cosine, params.gate.max_retrieval_loss, params.gate.min_rank)
    en, ru = heldout(params.gate.pairs)
    pairs = Pairs(en, ru, (encoder.encode(en), encoder.encode(ru)))
    outcome = write_lossy(target, model, place, options, pairs, limits)
    print(f"export: {name}: {outcome}")
    return outcome.as_json()


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
