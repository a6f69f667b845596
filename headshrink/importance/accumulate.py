"""Run batches through the model once and let every criterion see the gates."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor

from headshrink.checkpoint import Checkpoints
from headshrink.importance.criteria import CRITERIA
from headshrink.importance.gates import GateGradients, dropout, input_means
from headshrink.importance.halves import Halves
from headshrink.importance.losses import SCORING_LOSSES
from headshrink.importance.scores import Scores
from headshrink.model import PairBatch, SentenceEncoder, TokenBatch
from headshrink.model.attention import quick_attention
from headshrink.model.precision import resolve
from headshrink.model.sites import Site
from headshrink.parameters.importance import DEFAULTS, ImportanceParams
from headshrink.progress import Bar

FIRST_LOOK = 32  # batches before the first look at the agreement of the halves; then at every doubling
LOSS_SCALE = {"fp16": 2.0**8}  # keeps small gradients above fp16's least number; gate gradients are divided by it


def score(
    encoder: SentenceEncoder,
    batches: Sequence[PairBatch],
    criteria: Sequence[str] = (DEFAULTS.criterion,),
    loss: str = DEFAULTS.loss,
    seed: int = DEFAULTS.seed,
    precision: str = DEFAULTS.precision,
    stop_at: float | None = None,
    checkpoints: Checkpoints | None = None,
    checkpoint_minutes: float = 1.0,
) -> dict[str, Scores]:
    """Score every head and FFN neuron of an encoder by each of several criteria, in one pass over `batches`.

    Names are keys of CRITERIA and SCORING_LOSSES. Criteria with and without dropout cannot be mixed in one call. The
    encoder comes back as it was: weights, modes, what requires a gradient; the pass runs on its device, in `precision`.
    `stop_at` ends the pass once the scores of the even and of the odd batches agree so well (Spearman, the lowest of
    all criteria and kinds). With `checkpoints` a killed call goes on where it stood and ends in the same bits;
    `batches` must then come in the same order.
    """
    on_gpu = [encoder.device] if encoder.device.type == "cuda" else []
    with torch.random.fork_rng(devices=on_gpu):
        torch.manual_seed(seed)  # of dropout
        run = Pass(encoder, Halves(encoder.backbone, criteria, seed), loss, seed, resolve(precision, encoder.device))
        if checkpoints:
            run.resume(checkpoints.load())
        if any(CRITERIA[name].needs_passes for name in criteria):
            save = partial(checkpoints.save_when_due, checkpoint_minutes, run.state) if checkpoints else lambda: None
            run.over(batches, stop_at, save)
    return run.halves.finish(run.done)


def score_by(
    chosen: ImportanceParams,
    encoder: SentenceEncoder,
    batches: Sequence[PairBatch],
    checkpoints: Checkpoints | None = None,
) -> Scores:
    """The scores that the parameters of section `importance` ask for: what the front door and the stage call."""
    wanted = (chosen.loss, chosen.seed, chosen.precision, chosen.stop_at, checkpoints)
    return score(encoder, batches, [chosen.criterion], *wanted)[chosen.criterion]


class Pass:
    """One pass over batches: the criteria, how far it is, and what is random in it."""

    def __init__(self, encoder: SentenceEncoder, halves: Halves, loss: str, seed: int, precision: str) -> None:
        self.encoder, self.halves, self.loss, self.precision, self.done = encoder, halves, loss, precision, 0
        self.scale = LOSS_SCALE.get(precision, 1.0)
        self.generator = torch.Generator(encoder.device).manual_seed(seed)

    def over(self, batches: Sequence[PairBatch], stop_at: float | None, save: Callable[[], None]) -> None:
        """Take the batches after those that are done."""
        observer = self._observe if self.halves.need_tokens else None
        with dropout(self.encoder, self.halves.want_dropout), quick_attention(self.encoder, self.precision):
            if observer and batches:  # of the first batch, without random numbers: a resumed pass ends in the same bits
                with dropout(self.encoder, False):
                    self.halves.count_from(input_means(self.encoder, batches[0], self.precision))
            with (
                GateGradients(self.encoder.backbone, observer) as gates,
                Bar("importance", len(batches), self.done) as bar,
            ):
                while self.done < len(batches) and not self._agreed(stop_at):
                    self.take(gates, batches[self.done])
                    bar.advance()
                    save()

    def _agreed(self, stop_at: float | None) -> bool:
        return stop_at is not None and _look(self.done) and self.halves.lowest_agreement(self.done) >= stop_at

    def take(self, gates: GateGradients, batch: PairBatch) -> None:
        """Forward and backward of one batch, into its half of the criteria."""
        en, ru = (self._embed(gates, side.to(self.encoder.device)) for side in batch.sides)
        (self.scale * SCORING_LOSSES[self.loss](en, ru, self.generator)).backward()
        self.halves.update(self.done, {kind: gradients / self.scale for kind, gradients in gates.take().items()})
        self.done += 1

    def _observe(self, site: Site, inputs: Tensor, output_grad: Tensor, there: Tensor) -> None:
        self.halves.observe(self.done, site, inputs.float(), output_grad.float() / self.scale, there)

    def _embed(self, gates: GateGradients, side: TokenBatch) -> Tensor:
        gates.mask = side.attention_mask
        return self.encoder.embed_batch(side, self.precision)

    def state(self) -> dict[str, Any]:
        """Everything that the rest of the pass depends on."""
        random = {"generator": self.generator.get_state(), "dropout": self._random_state()}
        return {"done": self.done, "sums": self.halves.sums(), **random}

    def resume(self, state: dict[str, Any] | None) -> None:
        """Go back to a state, if there is one."""
        if state:
            self.done = state["done"]
            self.halves.add(state["sums"])
            self.generator.set_state(state["generator"])
            self._set_random_state(state["dropout"])

    def _random_state(self) -> Tensor:
        """Of the generator that dropout draws from on the encoder's device."""
        device = self.encoder.device
        return torch.cuda.get_rng_state(device) if device.type == "cuda" else torch.get_rng_state()

    def _set_random_state(self, state: Tensor) -> None:
        device = self.encoder.device
        if device.type == "cuda":
            torch.cuda.set_rng_state(state, device)
        else:
            torch.set_rng_state(state)


def _look(done: int) -> bool:
    """Whether to compare the halves now: it can cost as much as many batches."""
    return done >= FIRST_LOOK and done & (done - 1) == 0
