"""The training loop: batches, an objective, an optimiser, a schedule, evaluation, checkpoints, processes.

Everything that a training can do without is a callback (headshrink/distillation/callbacks).
"""

import math
import time
from collections.abc import Iterable
from contextlib import ExitStack
from typing import NoReturn

import numpy as np
import torch
from torch import Tensor, nn

from headshrink.checkpoint import Checkpoints
from headshrink.data.batches import padding_waste
from headshrink.distillation.callbacks import Callback, callbacks_of
from headshrink.distillation.divergence import diverged
from headshrink.distillation.evaluate import HeldoutScores, sample
from headshrink.distillation.gradients import add_gradient
from headshrink.distillation.losses import LOSSES, Need
from headshrink.distillation.objective import Objective
from headshrink.distillation.optimiser import adamw, parameters_to_train
from headshrink.distillation.processes import Processes
from headshrink.distillation.recipe import Recipe
from headshrink.distillation.result import CurveRow, TrainingResult
from headshrink.distillation.selection import choose, scores
from headshrink.distillation.state import TrainingProgress, TrainingState
from headshrink.distillation.steps import Steps
from headshrink.distillation.training_data import TrainingData
from headshrink.errors import HeadshrinkError
from headshrink.model import SentenceEncoder
from headshrink.model.attention import quick_attention
from headshrink.model.precision import resolve
from headshrink.progress import Bar

ROWS_OF_THE_CURVE = 200


def train(
    student: SentenceEncoder,
    data: TrainingData,
    recipe: Recipe,
    checkpoints: Checkpoints | None = None,
    callbacks: Iterable[Callback] = (),
) -> TrainingResult:
    """Train `student` in place towards the targets of `data`; it ends as the step with the lowest held-out loss.

    The untrained student (step 0) is a candidate too. `callbacks` are added to those that the recipe switches on. With
    `checkpoints`, a killed training continues at its last checkpoint and ends in the same bytes. On a CPU the result
    depends on the arguments, torch's version and its thread count alone; torch's random state is left alone.

    Raises HeadshrinkError where the data lack what a loss needs, where a loss or a gradient is not finite, and where
    the held-out loss diverges; the last good state stays as a checkpoint.
    """
    with torch.random.fork_rng():
        torch.manual_seed(recipe.seed)
        return Trainer(student, data, recipe, checkpoints, [*callbacks, *callbacks_of(recipe)]).run()


class Trainer:
    """One training: its parts, and the loop over them. `train` is the way in."""

    def __init__(
        self,
        student: SentenceEncoder,
        data: TrainingData,
        recipe: Recipe,
        checkpoints: Checkpoints | None = None,
        callbacks: Iterable[Callback] = (),
    ) -> None:
        self.student, self.data, self.recipe, self.checkpoints = student, data, recipe, checkpoints
        self.callbacks, self.processes, self.progress = list(callbacks), Processes(), TrainingProgress()
        check(data, recipe, self.processes)
        self.objective = Objective(recipe.losses, student, data.reference, recipe.layer_map)
        self.parameters = parameters_to_train(student, recipe)
        for callback in self.callbacks:
            self.parameters |= callback.parameters()
        self.parameters |= {f"objective.{name}": p for name, p in self.objective.named_parameters()}
        self.optimiser = adamw(self.parameters, recipe)
        self.precision = resolve(recipe.precision, student.device)
        self.scaler = torch.amp.GradScaler(student.device.type, enabled=self.precision == "fp16")
        self.steps = Steps(recipe, data.train)
        self.heldout = sample(data.heldout, recipe.heldout_pairs)
        self.row_steps = max(1, self.steps.count // ROWS_OF_THE_CURVE)
        count = recipe.evaluations
        self.evaluation_steps = {round(self.steps.count * (i + 1) / count) for i in range(count)}
        self.best_weights: dict[str, Tensor] = {}
        for callback in self.callbacks:
            callback.start(self)

    def run(self) -> TrainingResult:
        """All steps that are left; then the student gets the best weights."""
        with ExitStack() as contexts:
            for model in (self.student, self.data.reference.teacher or self.student):
                contexts.enter_context(quick_attention(model, self.precision))
            for callback in self.callbacks:
                contexts.enter_context(callback.around_training(self))
            return self.loop()

    def loop(self) -> TrainingResult:
        """Steps, rows of the curve, evaluations and checkpoints."""
        self.resume_or_start()
        progress, seconds, sentences = self.progress, 0.0, 0
        with Bar("distilling", self.steps.count - progress.step) as bar:
            while progress.step < self.steps.count and not any(callback.finished() for callback in self.callbacks):
                started, batches = time.monotonic(), self.steps.batches(progress.step)
                loss = self.train_step(batches)
                seconds += time.monotonic() - started
                sentences += sum(batch.size for batch in batches)
                self.record(loss)
                bar.advance(note=f"loss {loss:.4f}, {sentences / seconds:.0f} sentences/s")
                if self.checkpoints and self.processes.first:
                    self.checkpoints.save_when_due(self.recipe.checkpoint_minutes, lambda: vars(TrainingState.of(self)))
        self.load_weights(self.best_weights)
        self.student.eval().requires_grad_(True)
        all_pairs = None if self.heldout is self.data.heldout else scores(self, self.data.heldout)
        return self.result(sentences / max(seconds, 1e-9), all_pairs)

    def resume_or_start(self) -> None:
        """Continue at the last checkpoint, or evaluate the untrained student as the first candidate."""
        state = self.checkpoints.load() if self.checkpoints else None
        if state:
            TrainingState(**state).resume(self)
            if self.processes.first:
                print(f"resumed at step {self.progress.step} of {self.steps.count}", flush=True)
            for row in self.progress.curve:
                self.send(row)
        else:
            self.progress.before = choose(self)
        self.student.train()

    @property
    def share_done(self) -> float:
        """The share of the training before this step: 0 in the first, 1 in the last."""
        return self.progress.step / max(1, self.steps.count - 1)

    def train_step(self, batches: list[np.ndarray]) -> float:
        """One update from the batches of a step, which the processes share; their loss before it, mean over pairs.

        In fp16 the gradient of a scaled loss may overflow: the scaler then makes no update, and halves its scale.
        """
        self.optimiser.zero_grad(set_to_none=True)
        for callback in self.callbacks:
            callback.before_step(self)
        sentences, loss = sum(batch.size for batch in batches), 0.0
        for place in range(self.processes.index, len(batches), self.processes.count):
            loss += add_gradient(self, place, batches[place], batches[place].size / sentences)
        loss = self.processes.add_up(list(self.parameters.values()), loss)
        self.scaler.unscale_(self.optimiser)
        norm = nn.utils.clip_grad_norm_(self.parameters.values(), self.recipe.clip).item()
        if not math.isfinite(loss) or (not math.isfinite(norm) and self.scaler.get_scale() <= 1):
            self.stop(f"loss {loss}, gradient norm {norm}")
        for group in self.optimiser.param_groups:
            group["lr"] = self.steps.learning_rate(self.progress.step)
        self.scaler.step(self.optimiser)
        self.scaler.update()
        self.progress.step += 1
        for callback in self.callbacks:
            callback.after_step(self)
        return loss

    def record(self, loss: float) -> None:
        """A row of the curve every `row_steps` steps, and with held-out scores at the evaluations."""
        progress, step = self.progress, self.progress.step
        progress.losses_since_row.append(loss)
        if step % self.row_steps and step not in self.evaluation_steps:
            return
        loss = float(np.mean(progress.losses_since_row))
        row = {"step": step, "loss": loss, "learning_rate": self.steps.learning_rate(step - 1)}
        if step in self.evaluation_steps:
            found = choose(self)
            row |= {"heldout_loss": found["loss"], "heldout_cosine": found["cosine"]}
        progress.losses_since_row = []
        progress.curve.append(row)
        self.send(row)

    def send(self, row: CurveRow) -> None:
        for callback in self.callbacks:
            callback.on_row(row)

    def stop(self, reason: str) -> NoReturn:
        """End in one line; finite weights stay as a checkpoint."""
        kept = ""
        if self.checkpoints:
            if self.processes.first and all(p.isfinite().all() for p in self.parameters.values()):
                self.checkpoints.save(vars(TrainingState.of(self)))
            kept = f"; the last good checkpoint is {self.checkpoints.path}"
        raise diverged(f"step {self.progress.step} of {self.steps.count}", reason, self.recipe, kept)

    def load_weights(self, weights: dict[str, Tensor]) -> None:
        with torch.no_grad():
            for name, parameter in self.parameters.items():
                parameter.copy_(weights[name])

    def result(self, sentences_per_s: float, all_pairs: dict[str, float] | None) -> TrainingResult:
        progress = self.progress
        return TrainingResult(
            before=HeldoutScores(**progress.before),
            best=HeldoutScores(**progress.best),
            all_pairs=HeldoutScores(**all_pairs) if all_pairs else None,
            best_step=progress.best_step,
            steps=progress.step,
            curve=progress.curve,
            precision=self.precision,
            padding_waste=padding_waste(self.data.train.tokens.lengths, self.steps.first_epoch()),
            sentences_per_s=sentences_per_s,
        )


def check(data: TrainingData, recipe: Recipe, processes: Processes) -> None:
    """Raise HeadshrinkError where a recipe does not fit the data or the processes."""
    train, heldout = data.train, data.heldout
    if not train.pairs or not heldout.pairs:
        raise HeadshrinkError(f"{train.pairs} training and {heldout.pairs} held-out pairs: both are needed")
    if len(train) > 2 * train.pairs and all(Need.TRANSLATIONS in LOSSES[name].needs for name in recipe.losses):
        raise HeadshrinkError("sentences without translation need a loss that imitates: give cosine a weight")
    if recipe.accumulate < processes.count:
        raise HeadshrinkError(
            f"accumulate = {recipe.accumulate}: a step's batches are shared out among {processes.count} processes; "
            "give at least one each"
        )
