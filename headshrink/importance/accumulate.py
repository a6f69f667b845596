"""Run batches through the model once and let every criterion see the gates."""

from collections.abc import Iterable, Mapping

import torch
from torch import Tensor

from headshrink.importance.batches import PairBatch, Side
from headshrink.importance.criteria import CRITERIA, Criterion
from headshrink.importance.gates import GateGradients, dropout
from headshrink.importance.losses import LOSSES
from headshrink.importance.scores import Scores
from headshrink.model import SentenceEncoder
from headshrink.model.sites import KINDS, Kind, Site, sites

CriteriaByKind = Mapping[Kind, Mapping[str, Criterion]]


def score(
    encoder: SentenceEncoder,
    batches: Iterable[PairBatch],
    criteria: Iterable[str] = ("taylor",),
    loss: str = "translation_ranking",
    seed: int = 0,
) -> dict[str, Scores]:
    """Score every head and FFN neuron of an encoder by each of several criteria, in one pass over `batches`.

    Names are keys of CRITERIA and LOSSES. Criteria with and without dropout cannot be mixed in one call. The encoder
    comes back as it was: weights, modes, what requires a gradient.
    """
    names = tuple(criteria)
    built: CriteriaByKind = {
        kind: {name: CRITERIA[name]([s for s in sites(encoder.backbone) if s.kind == kind], seed) for name in names}
        for kind in KINDS
    }
    everyone = [criterion for by_name in built.values() for criterion in by_name.values()]
    if any(criterion.needs_passes for criterion in everyone):
        _accumulate(encoder, batches, built, everyone, loss, seed)
    return {name: Scores(*(_finish(built[kind][name]) for kind in KINDS)) for name in names}


def _accumulate(
    encoder: SentenceEncoder,
    batches: Iterable[PairBatch],
    built: CriteriaByKind,
    everyone: list[Criterion],
    loss: str,
    seed: int,
) -> None:
    generator = torch.Generator(encoder.device).manual_seed(seed)

    def observe(site: Site, inputs: Tensor, output_grad: Tensor) -> None:
        for criterion in built[site.kind].values():
            if criterion.needs_tokens:
                criterion.observe(site, inputs, output_grad)

    with_dropout = any(criterion.dropout for criterion in everyone)
    observer = observe if any(criterion.needs_tokens for criterion in everyone) else None
    with dropout(encoder, with_dropout), GateGradients(encoder.backbone, observer) as gates:
        for batch in batches:
            en, ru = (_embed(encoder, gates, side) for side in (batch.en, batch.ru))
            LOSSES[loss](en, ru, generator).backward()
            for kind, gate_grad in gates.take().items():
                for criterion in built[kind].values():
                    criterion.update(gate_grad)


def _embed(encoder: SentenceEncoder, gates: GateGradients, side: Side) -> Tensor:
    gates.mask = side.attention_mask.to(encoder.device)
    return encoder(side.input_ids.to(encoder.device), gates.mask)


def _finish(criterion: Criterion) -> Tensor:
    """A criterion's scores on the CPU, NaN where a layer has no such unit."""
    scores = criterion.scores().float().cpu()
    for layer, site in enumerate(criterion.sites):
        scores[layer, site.units :] = torch.nan
    return scores
