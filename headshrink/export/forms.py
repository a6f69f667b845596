"""Writing a model in one of its forms, and holding the form to what it must prove."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from headshrink.export.gate import Limits, check_reload
from headshrink.export.graph import Original
from headshrink.export.lossy import Pairs, write_lossy
from headshrink.export.targets import TARGETS, Options


@dataclass(frozen=True)
class Proof:
    """What forms are held to: sentences that a lossless one must reproduce; pairs and limits for a lossy one."""

    sentences: Sequence[str]
    pairs: Pairs
    limits: Limits


def write_form(name: str, model: Original, folder: Path, options: Options, proof: Proof) -> dict[str, Any]:
    """Write the form `name` into its place in an export folder; what it proved, as JSON values.

    Raises HeadshrinkError where a lossless form is not lossless; a lossy one beyond its limits is left out, and its
    figures say so under `refused`.
    """
    target = TARGETS[name]
    place = folder / target.place
    if not target.lossless:
        outcome = write_lossy(target, model, place, options, proof.pairs, proof.limits)
        print(f"export: {name}: {outcome}")
        return outcome.as_json()
    target.write(model, place, options)
    expected = model.encoder.encode(list(proof.sentences))
    worst = check_reload(name, target.open(place), proof.sentences, expected)
    print(f"export: {name}: lowest cosine to the model in memory {worst:.6f}")
    return {"lowest_cosine": round(worst, 6)}
