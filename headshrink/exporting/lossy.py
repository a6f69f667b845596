"""Writing a lossy form: held to the gate, repaired where it fails, left out with its figures where that fails too."""

import shutil
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from onnx import ModelProto

from headshrink.exporting.gate import Agreement, Limits, agreement, losses
from headshrink.exporting.graph import Original
from headshrink.exporting.graph_encoder import INPUTS, OUTPUT
from headshrink.exporting.quantise import matrices
from headshrink.exporting.targets import Options, Target
from headshrink.graph import open_session
from headshrink.metrics import cosines
from headshrink.padding import padded
from headshrink.progress import track

SENSITIVITY_SENTENCES = 64  # a batch; the order of matrices settles long before the figures of the gate do
MOST_KEPT = 0.5  # of the matrices: beyond it little is left of what the form is for


@dataclass(frozen=True)
class Pairs:
    """Held-out translations, and what the model in memory makes of them."""

    en: Sequence[str]
    ru: Sequence[str]
    embeddings: tuple[np.ndarray, np.ndarray]  # of en and ru


@dataclass(frozen=True)
class Outcome:
    """What became of a lossy form.

    `kept`: the matrices that stayed in fp32. `refused`: which limits it exceeded, in words; empty where it passed.
    """

    found: Agreement
    kept: list[str]
    refused: str

    def __str__(self) -> str:
        figures = ", ".join(f"{name.replace('_', ' ')} {value:.4f}" for name, value in asdict(self.found).items())
        repair = f"; in fp32: {', '.join(self.kept)}" if self.kept else ""
        return f"left out, it loses too much: {self.refused}{repair}" if self.refused else figures + repair

    def as_json(self) -> dict[str, Any]:
        figures = {name: round(value, 6) for name, value in asdict(self.found).items()}
        return figures | {"kept_in_fp32": self.kept, "refused": self.refused or None}


def write_lossy(
    target: Target, model: Original, folder: Path, options: Options, pairs: Pairs, limits: Limits
) -> Outcome:
    """Write a form into its folder and hold it to the gate.

    One that fails is written again with its most sensitive matrices in fp32: one, two, four, and so on up to MOST_KEPT
    of them. Where nothing helps the folder is gone, and the figures are those of the best attempt.
    """
    best: Outcome | None = None
    for attempt in attempts(target, model, options, pairs):
        shutil.rmtree(folder, ignore_errors=True)
        target.write(model, folder, attempt)
        embed = target.open(folder)
        found = agreement((embed(pairs.en), embed(pairs.ru)), pairs.embeddings)
        outcome = Outcome(found, sorted(attempt.keep), losses(found, limits))
        if not outcome.refused:
            return outcome
        if best is None or found.cosine > best.found.cosine:
            best = outcome
    shutil.rmtree(folder, ignore_errors=True)
    assert best is not None
    return best


def attempts(target: Target, model: Original, options: Options, pairs: Pairs) -> Iterator[Options]:
    """The options as given, then with ever more matrices in fp32."""
    yield options
    if target.quantise is None:
        return
    loss = sensitivity(target, model, options, [*pairs.en, *pairs.ru])
    order, count = sorted(loss, key=lambda name: -loss[name]), 1
    while count <= MOST_KEPT * len(order):
        yield replace(options, keep=frozenset(order[:count]))
        count *= 2


def sensitivity(target: Target, model: Original, options: Options, sentences: Sequence[str]) -> dict[str, float]:
    """For each matrix, 1 - mean cosine to the model where that matrix alone is quantised."""
    assert target.quantise is not None
    chosen = sentences[:: max(1, len(sentences) // SENSITIVITY_SENTENCES)][:SENSITIVITY_SENTENCES]
    encoder, exact, names = model.encoder, model.graph(), matrices(model.graph())
    blocks = padded(encoder.tokenise(chosen), encoder.tokenizer.pad_token_id)
    feed = dict(zip(INPUTS, blocks, strict=True))
    expected, found = embed(exact, feed), {}
    for name in track(names, f"{target.title}: which matrices it loses most in"):
        others = frozenset(names) - {name}
        alone = embed(target.quantise(model.graph(), replace(options, keep=others)), feed)
        found[name] = 1 - float(cosines(alone, expected).mean())
    return found


def embed(graph: ModelProto, feed: dict[str, np.ndarray]) -> np.ndarray:
    """Embeddings of one batch by a graph in memory."""
    session = open_session(graph.SerializeToString(), threads=0)
    found: np.ndarray = session.run([OUTPUT], feed)[0]
    return found
