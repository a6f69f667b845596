"""Run batches through the model once and let every criterion see the gates."""

from collections.abc import Callable, Iterable
from functools import partial
from itertools import islice
from typing import Any

import torch
from torch import Tensor

from headshrink.checkpoint import Checkpoints
from headshrink.importance.criteria import CRITERIA
from headshrink.importance.gates import GateGradients, dropout
from headshrink.importance.halves import Halves
from headshrink.importance.losses import SCORING_LOSSES
from headshrink.importance.scores import Scores
from headshrink.model import PairBatch, SentenceEncoder, TokenBatch
from headshrink.model.sites import Site
from headshrink.parameters.importance import DEFAULTS, ImportanceParams

FIRST_LOOK = 8  # batches before the first look at the agreement of the halves; then at every doubling


def score(
    encoder: SentenceEncoder,
    batches: Iterable[PairBatch],
    criteria: Iterable[str] = (DEFAULTS.criterion,),
    loss: str = DEFAULTS.loss,
    seed: int = DEFAULTS.seed,
    stop_at: float | None = None,
    checkpoints: Checkpoints | None = None,
    checkpoint_minutes: float = 1.0,
) -> dict[str, Scores]:
    """Score every head and FFN neuron of an encoder by each of several criteria, in one pass over `batches`.

    Names are keys of CRITERIA and SCORING_LOSSES. Criteria with and without dropout cannot be mixed in one call. The
    encoder comes back as it was: weights, modes, what requires a gradient. `stop_at` ends the pass once the scores of
    the even and of the odd batches agree so well (Spearman, the lowest of all criteria and kinds). With `checkpoints` a
    killed call goes on where it stood and ends in the same bits; `batches` must then come in the same order.
    """
    names = tuple(criteria)
    needs_passes = any(CRITERIA[name].needs_passes for name in names)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)  # of dropout
        run = Pass(encoder, Halves(encoder.backbone, names, seed), loss, seed)
        if checkpoints:
            run.resume(checkpoints.load())
        if needs_passes:
            save = partial(checkpoints.save_when_due, checkpoint_minutes, run.state) if checkpoints else lambda: None
            run.over(batches, stop_at, save)
    return {name: run.halves.scores(name, run.done if CRITERIA[name].needs_passes else 0) for name in names}


def score_by(
    chosen: ImportanceParams,
    encoder: SentenceEncoder,
    batches: Iterable[PairBatch],
    checkpoints: Checkpoints | None = None,
) -> Scores:
    """The scores that the parameters of section `importance` ask for: what the front door and the stage call."""
    wanted = (chosen.loss, chosen.seed, chosen.stop_at, checkpoints)
    return score(encoder, batches, [chosen.criterion], *wanted)[chosen.criterion]


class Pass:
    """One pass over batches: the criteria, how far it is, and what is random in it."""

    def __init__(self, encoder: SentenceEncoder, halves: Halves, loss: str, seed: int) -> None:
        self.encoder, self.halves, self.loss, self.done = encoder, halves, loss, 0
        self.generator = torch.Generator(encoder.device).manual_seed(seed)

    def over(self, batches: Iterable[PairBatch], stop_at: float | None, save: Callable[[], None]) -> None:
        """Take the batches after those that are done."""
        observer = self._observe if self.halves.need_tokens else None
        with (
            dropout(self.encoder, self.halves.want_dropout),
            GateGradients(self.encoder.backbone, observer) as gates,
        ):
            for batch in islice(batches, self.done, None):
                if stop_at is not None and _look(self.done) and self.halves.lowest_agreement() >= stop_at:
                    return
                en, ru = (self._embed(gates, side) for side in batch.sides)
                SCORING_LOSSES[self.loss](en, ru, self.generator).backward()
                self.halves.update(self.done, gates.take())
                self.done += 1
                save()

    def _observe(self, site: Site, inputs: Tensor, output_grad: Tensor) -> None:
        self.halves.observe(self.done, site, inputs, output_grad)

    def _embed(self, gates: GateGradients, side: TokenBatch) -> Tensor:
        gates.mask = side.attention_mask.to(self.encoder.device)
        return self.encoder.embed_batch(side)

    def state(self) -> dict[str, Any]:
        """Everything that the rest of the pass depends on."""
        random = {"generator": self.generator.get_state(), "dropout": torch.get_rng_state()}
        return {"done": self.done, "sums": self.halves.sums(), **random}

    def resume(self, state: dict[str, Any] | None) -> None:
        """Go back to a state, if there is one."""
        if state:
            self.done = state["done"]
            self.halves.add(state["sums"])
            self.generator.set_state(state["generator"])
            torch.set_rng_state(state["dropout"])


def _look(done: int) -> bool:
    """Whether to compare the halves now: it can cost as much as a few batches."""
    return done >= FIRST_LOOK and done & (done - 1) == 0
