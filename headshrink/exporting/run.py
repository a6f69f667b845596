"""An encoder in its forms as the parameters of section `export` say: what the front door and the stage call."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from headshrink.exporting.forms import Proof, write_forms
from headshrink.exporting.gate import Limits
from headshrink.exporting.graph import Original
from headshrink.exporting.targets import Options
from headshrink.model import SentenceEncoder
from headshrink.parameters.export import ExportParams


def export_by(
    chosen: ExportParams,
    encoder: SentenceEncoder,
    folder: Path,
    sentences: Sequence[str],
    pairs: tuple[Sequence[str], Sequence[str]],
) -> dict[str, dict[str, Any]]:
    """Write the chosen forms into a folder; what each proved, by target.

    Lossless forms must reproduce the embeddings of `sentences`; lossy ones are measured on `pairs`, English and Russian
    sides. Raises HeadshrinkError where a lossless form is not lossless.
    """
    limits = Limits(**chosen.gate.model_dump(exclude={"pairs"}))
    proof = Proof(encoder, sentences, *pairs, limits)
    options = Options(reduce_range=chosen.reduce_range)
    return write_forms(chosen.targets, Original(encoder), folder, options, proof)
