"""Writing a model in its forms, and holding each to what it must prove."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from headshrink.exporting.gate import Limits, check_reload
from headshrink.exporting.graph import Original
from headshrink.exporting.lossy import Pairs, write_lossy
from headshrink.exporting.targets import TARGETS, Options
from headshrink.model import SentenceEncoder


@dataclass(frozen=True)
class Proof:
    """What forms are held to: `sentences` that a lossless one must reproduce; pairs and limits for a lossy one.

    The model embeds either text once for all forms, and only where a form is held to it.
    """

    encoder: SentenceEncoder
    sentences: Sequence[str]
    en: Sequence[str]
    ru: Sequence[str]
    limits: Limits

    @cached_property
    def expected(self) -> np.ndarray:
        """The model's embeddings of the sentences."""
        return self.encoder.encode(list(self.sentences))

    @cached_property
    def pairs(self) -> Pairs:
        """The pairs with the model's embeddings."""
        return Pairs(self.en, self.ru, (self.encoder.encode(list(self.en)), self.encoder.encode(list(self.ru))))


def write_forms(
    names: Sequence[str], model: Original, folder: Path, options: Options, proof: Proof
) -> dict[str, dict[str, Any]]:
    """Write forms into their places in an export folder, and what each proved into its gate.json, which is returned."""
    gate = {name: write_form(name, model, folder, options, proof) for name in names}
    (folder / "gate.json").write_text(json.dumps(gate, indent=1) + "\n", encoding="utf-8")
    return gate


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
    worst = check_reload(name, target.open(place), proof.sentences, proof.expected)
    print(f"export: {name}: lowest cosine to the model in memory {worst:.6f}")
    return {"lowest_cosine": round(worst, 6)}
