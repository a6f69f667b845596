"""The trainer: from a cut student and its teacher's targets to the student that held-out pairs chose."""

import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import asdict, dataclass, field
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from headshrink.checkpoint import Checkpoints
from headshrink.distill.batches import bucketed_apart, in_order, padding_waste
from headshrink.distill.evaluate import Scores, evaluate
from headshrink.distill.gates import Gates
from headshrink.distill.layers import LayerMap
from headshrink.distill.losses import LAYER_LOSSES, OF_TRANSLATIONS
from headshrink.distill.masking import blanked
from headshrink.distill.objective import Objective, Weight, weight_at
from headshrink.distill.pairs import Pairs
from headshrink.distill.precision import quick_attention, resolve
from headshrink.distill.processes import Processes, seed_of_batch
from headshrink.distill.quantised import quantised
from headshrink.distill.schedule import learning_rate_factor
from headshrink.distill.unfreeze import opening_steps
from headshrink.errors import HeadshrinkError
from headshrink.model import SentenceEncoder
from headshrink.model.compiled import compiled
from headshrink.model.mlm_head import MlmHead
from headshrink.progress import Bar

ROWS_OF_THE_CURVE = 200
DIVERGED = 0.5  # a rise of the held-out loss a unit of weight; cosine's worst is 2, a random student's 1
BETAS, EPSILON = (0.9, 0.98), 1e-6  # Adam's, as in RoBERTa's and most later training of BERTs
Row = dict[str, float]


@dataclass(frozen=True)
class Recipe:
    """How a student is trained; the fields are the keys of params.yaml's `distill` section, which bounds them.

    `losses` are weights, constant or (first, last) along a line; `layer_map` is theirs where they compare layers.
    `queue` adds so many earlier pairs to what `ranking` tells apart. `accumulate` batches make one step, shared out
    among the processes where there are several. `ema`, where not 0, is how much a running mean of the weights keeps of
    itself a step; the mean is what is evaluated and kept. `patience` evaluations without a new best end the training.
    `word_dropout` hides so many pieces from the student.

    `unfreeze`, where not 0, opens the student's layers to training from the top down, the last after so much of the
    steps.

    `quantise` has the student compute in the steps of int8, in training and evaluation alike.

    `compile` has torch write code for the student's passes, which takes a minute first and pays on long trainings;
    losses on layers, which look into the student while it runs, it would blind.

    `train_embeddings` off leaves the word table as the teacher's: it was not pruned, it is most of a small model's
    parameters, and its dense gradient and two moments would cost more memory than all the rest.
    """

    losses: Mapping[str, Weight]
    layer_map: LayerMap = "uniform"
    queue: int = 0
    epochs: float = 3
    batch_size: int = 64
    accumulate: int = 1
    learning_rate: float = 5e-4
    weight_decay: float = 0.01
    warmup: float = 0.05
    decay: str = "cosine"
    clip: float = 1.0
    dropout: float = 0.0
    word_dropout: float = 0.0
    train_embeddings: bool = True
    ema: float = 0.0
    evaluations: int = 10
    patience: int | None = None
    checkpoint_minutes: float = 2
    precision: str = "auto"
    compile: bool = False
    unfreeze: float = 0.0
    quantise: bool = False
    seed: int = 0


@dataclass
class Progress:
    """Where a training stands: all that a checkpoint holds beside weights and optimiser."""

    step: int = 0
    losses_since_row: list[float] = field(default_factory=list)
    curve: list[Row] = field(default_factory=list)
    before: dict[str, float] = field(default_factory=dict)
    best: dict[str, float] = field(default_factory=dict)
    best_step: int = 0
    evaluations_since_best: int = 0


@dataclass(frozen=True)
class Result:
    """What a training gave: scores before it and of the step chosen, and how it got there; `steps` were made."""

    before: Scores
    best: Scores
    best_step: int
    steps: int
    curve: list[Row]
    precision: str
    padding_waste: float
    sentences_per_s: float  # of this process, evaluation left out; the one figure here that is not reproducible


def distil(
    student: SentenceEncoder,
    train: Pairs,
    heldout: Pairs,
    recipe: Recipe,
    checkpoints: Checkpoints | None = None,
    on_row: Callable[[Row], None] = lambda row: None,
    teacher: SentenceEncoder | None = None,
    others: Sequence[int] = (),
    gates: Gates | None = None,
    mlm_head: MlmHead | None = None,
) -> Result:
    """Train `student` in place towards the targets of `train`; it ends as the step with the lowest held-out loss.

    The untrained student is a candidate too (step 0). `teacher` is needed by losses on layers and words, its `mlm_head`
    by those on words; `others` are the dimensions of further teachers, whose targets stand beside the first one's.
    `gates` on the student are trained with it; while they close the held-out loss must rise, so that the last step
    counts as the best. With
    `checkpoints` a killed training goes on where it stood, to the same bytes. `on_row` sees each row of the curve,
    after a resumption the earlier ones again. On a CPU the result depends on the arguments, torch's version and its
    thread count alone.

    Raises HeadshrinkError where a loss or a gradient is not finite, or the held-out loss has left all bounds; the
    last good state stays as a checkpoint.
    """
    with torch.random.fork_rng():
        torch.manual_seed(recipe.seed)
        trainer = Trainer(student, train, heldout, recipe, checkpoints, on_row, teacher, others, gates, mlm_head)
        quick = [quick_attention(model, trainer.precision) for model in (student, teacher or student)]
        rounded = quantised(student) if recipe.quantise else nullcontext()
        with quick[0], quick[1], rounded, compiled(student) if recipe.compile else nullcontext():
            return trainer.run()


def parameter_groups(parameters: dict[str, nn.Parameter], weight_decay: float) -> list[dict[str, Any]]:
    """Decay on the matrices of linear layers alone.

    Decaying a LayerNorm or bias only fights its purpose; decaying an embedding table shrinks the rows of words that
    the pairs do not contain, with nothing to pull them back.
    """
    decayed = [p for name, p in parameters.items() if p.ndim > 1 and "embeddings" not in name]
    kept = [p for name, p in parameters.items() if p.ndim <= 1 or "embeddings" in name]
    return [{"params": decayed, "weight_decay": weight_decay}, {"params": kept, "weight_decay": 0.0}]


def prepare(student: SentenceEncoder, recipe: Recipe) -> dict[str, nn.Parameter]:
    """Set a student's dropout and freeze what the recipe freezes; the parameters left to train, by name."""
    for module in student.modules():
        if isinstance(module, nn.Dropout):
            module.p = recipe.dropout
    for parameter in student.backbone.embeddings.word_embeddings.parameters():
        parameter.requires_grad_(recipe.train_embeddings)
    return {name: p for name, p in student.named_parameters() if p.requires_grad}


def batches_of_epoch(recipe: Recipe, train: Pairs, epoch: int) -> list[np.ndarray]:
    """Each as indices of pairs."""
    return bucketed_apart(train.lengths, train.translations, recipe.batch_size, recipe.seed, epoch)


def steps_an_epoch(recipe: Recipe, train: Pairs) -> int:
    return math.ceil(len(batches_of_epoch(recipe, train, 0)) / recipe.accumulate)


class Trainer:
    """One training: its parts, and the loop over them. `distil` is the way in."""

    def __init__(
        self,
        student: SentenceEncoder,
        train: Pairs,
        heldout: Pairs,
        recipe: Recipe,
        checkpoints: Checkpoints | None,
        on_row: Callable[[Row], None],
        teacher: SentenceEncoder | None = None,
        others: Sequence[int] = (),
        gates: Gates | None = None,
        mlm_head: MlmHead | None = None,
    ) -> None:
        if not len(train) or not len(heldout):
            raise HeadshrinkError(f"{len(train)} training and {len(heldout)} held-out pairs: both are needed")
        if train.translations < len(train) and recipe.losses.keys() <= OF_TRANSLATIONS:
            raise HeadshrinkError("sentences without translation need a loss that imitates: give cosine a weight")
        if recipe.compile and recipe.losses.keys() & LAYER_LOSSES.keys():
            raise HeadshrinkError("compile = true: losses on layers look into the running student; choose one")
        self.student, self.train, self.heldout, self.recipe = student, train, heldout, recipe
        self.checkpoints, self.on_row = checkpoints, on_row
        self.objective = Objective(recipe.losses, student, teacher, recipe.layer_map, others, gates, mlm_head)
        self.parameters = prepare(student, recipe) | {
            f"objective.{name}": p for name, p in self.objective.named_parameters()
        }
        groups = parameter_groups(self.parameters, recipe.weight_decay)
        self.optimiser = torch.optim.AdamW(groups, lr=recipe.learning_rate, betas=BETAS, eps=EPSILON, fused=True)
        self.precision = resolve(recipe.precision, student.device)
        self.epoch_batches = lru_cache(maxsize=1)(self._epoch_batches)
        self.steps_an_epoch = steps_an_epoch(recipe, train)
        self.steps = math.ceil(recipe.epochs * self.steps_an_epoch)
        self.opening_steps = opening_steps(self.parameters, recipe.unfreeze, self.steps) if recipe.unfreeze else {}
        self.heldout_batches = in_order(heldout.lengths, recipe.batch_size)
        self.row_steps = max(1, self.steps // ROWS_OF_THE_CURVE)
        self.evaluation_steps = {round(self.steps * (i + 1) / recipe.evaluations) for i in range(recipe.evaluations)}
        self.processes, self.progress = Processes(), Progress()
        if recipe.accumulate < self.processes.count:
            raise HeadshrinkError(
                f"accumulate = {recipe.accumulate}: a step's batches are shared out among {self.processes.count} "
                "processes; give at least one each"
            )
        self.best_weights: dict[str, Tensor] = {}
        self.mean_weights = {name: p.detach().clone() for name, p in self.parameters.items()} if recipe.ema else {}

    def run(self) -> Result:
        """All steps that are left, then the best weights put back."""
        self.resume_or_start()
        seconds, sentences = 0.0, 0
        with Bar("distilling", self.steps - self.progress.step) as bar:
            while self.progress.step < self.steps and not self.out_of_patience():
                started = time.monotonic()
                batches = self.batches(self.progress.step)
                loss = self.train_step(batches)
                seconds, sentences = seconds + time.monotonic() - started, sentences + 2 * sum(map(len, batches))
                self.record(loss)
                bar.advance(note=f"loss {loss:.4f}, {sentences / seconds:.0f} sentences/s")
                if self.checkpoints and self.processes.first:
                    self.checkpoints.save_when_due(self.recipe.checkpoint_minutes, self.state)
        self.load_weights(self.best_weights)
        self.student.eval().requires_grad_(True)
        return self.result(sentences / max(seconds, 1e-9))

    def resume_or_start(self) -> None:
        """Go on from the last checkpoint, or score the untrained student as the first candidate."""
        state = self.checkpoints.load() if self.checkpoints else None
        if state:
            self.load_state(state)
            for row in self.progress.curve:
                self.on_row(row)
        else:
            self.progress.before = self.choose()
        self.student.train()

    def _epoch_batches(self, epoch: int) -> list[np.ndarray]:
        return batches_of_epoch(self.recipe, self.train, epoch)

    def batches(self, step: int) -> list[np.ndarray]:
        """The batches of one step, each as indices of pairs; the last step of an epoch may have fewer."""
        epoch, position = divmod(step, self.steps_an_epoch)
        count = self.recipe.accumulate
        return self.epoch_batches(epoch)[position * count : (position + 1) * count]

    def queue(self, step: int) -> np.ndarray | None:
        """Indices of the latest pairs before a step in its epoch, at most `recipe.queue`; None where there are none.

        The order of an epoch is known, so the queue needs no memory of its own, and a resumed training has the same.
        """
        epoch, position = divmod(step, self.steps_an_epoch)
        seen = position * self.recipe.accumulate
        if not self.recipe.queue or not seen:
            return None
        batches = math.ceil(self.recipe.queue / self.recipe.batch_size)
        return np.concatenate(self.epoch_batches(epoch)[max(0, seen - batches) : seen])[-self.recipe.queue :]

    def learning_rate(self, step: int) -> float:
        recipe = self.recipe
        return recipe.learning_rate * learning_rate_factor(step, self.steps, recipe.warmup, recipe.decay)

    def train_step(self, batches: list[np.ndarray]) -> float:
        """One update from one batch or several, shared out among the processes; their loss before it, mean over pairs.

        What is random in a batch follows from the seed and its place: any number of processes draws the same.
        """
        self.optimiser.zero_grad(set_to_none=True)
        for name, opens in self.opening_steps.items():
            self.parameters[name].requires_grad_(opens <= self.progress.step)
        pairs, loss = sum(map(len, batches)), 0.0
        for place in range(self.processes.index, len(batches), self.processes.count):
            torch.manual_seed(seed_of_batch(self.recipe.seed, self.progress.step, place))
            loss += self.backward(batches[place], len(batches[place]) / pairs)
        loss = self.processes.add_up(list(self.parameters.values()), loss)
        norm = nn.utils.clip_grad_norm_(self.parameters.values(), self.recipe.clip)
        self.stop_unless_finite(loss, norm.item())
        for group in self.optimiser.param_groups:
            group["lr"] = self.learning_rate(self.progress.step)
        self.optimiser.step()
        self.progress.step += 1
        self.update_mean()
        return loss

    def backward(self, indices: np.ndarray, share: float) -> float:
        """Add the gradient of one batch, a share of its step, to the rest; that share of its loss."""
        pad_id: int = self.student.tokenizer.pad_token_id  # type: ignore[assignment]
        batch = self.train.batch(indices, pad_id, self.queue(self.progress.step)).to(self.student.device)
        share_of_words = self.recipe.word_dropout
        read = blanked(batch.input_ids, share_of_words, self.student.tokenizer) if share_of_words else None
        outputs = self.objective.compare(self.student, batch, self.precision, read)
        loss = share * self.objective(*outputs, self.progress.step / max(1, self.steps - 1), batch.translated)
        loss.backward()
        return loss.item()

    def update_mean(self) -> None:
        """Move the running mean of the weights; early steps move it more, so that it soon forgets the start."""
        if self.mean_weights:
            kept = min(self.recipe.ema, (1 + self.progress.step) / (10 + self.progress.step))
            with torch.no_grad():
                for name, parameter in self.parameters.items():
                    self.mean_weights[name].lerp_(parameter, 1 - kept)

    @contextmanager
    def averaged(self) -> Iterator[None]:
        """The running mean in the student's place for a while, where the recipe has one."""
        if not self.mean_weights:
            yield
            return
        now = {name: p.detach().clone() for name, p in self.parameters.items()}
        self.load_weights(self.mean_weights)
        try:
            yield
        finally:
            self.load_weights(now)

    def out_of_patience(self) -> bool:
        patience = self.recipe.patience
        return patience is not None and self.progress.evaluations_since_best >= patience

    def stop_unless_finite(self, loss: float, gradient_norm: float) -> None:
        if not (math.isfinite(loss) and math.isfinite(gradient_norm)):
            self.stop(f"loss {loss}, gradient norm {gradient_norm}")

    def stop_if_diverged(self, scores: dict[str, float]) -> None:
        """A held-out loss that has risen past twice the untrained student's and by DIVERGED will not come back.

        Unless gates are closing: theirs starts at the teacher's own, nothing, and has to rise.
        """
        if self.objective.gates is not None:
            return
        before = self.progress.before.get("loss", scores["loss"])
        if not scores["loss"] <= 2 * before + DIVERGED * sum(weight_at(w, 1) for w in self.recipe.losses.values()):
            self.stop(f"held-out loss {scores['loss']:.4g}, {before:.4g} before training")

    def stop(self, why: str) -> None:
        """End in one line; what there is of good weights stays as a checkpoint."""
        kept = ""
        if self.checkpoints:
            if self.processes.first and all(p.isfinite().all() for p in self.parameters.values()):
                self.checkpoints.save(self.state())
            kept = f"; the last good checkpoint is {self.checkpoints.path}"
        raise HeadshrinkError(
            f"training diverged at step {self.progress.step} of {self.steps} ({why}): "
            f"lower learning_rate ({self.recipe.learning_rate}) or the losses' weights{kept}"
        )

    def record(self, loss: float) -> None:
        """Add to the curve every `row_steps` steps, and with held-out scores at the evaluations."""
        progress, step = self.progress, self.progress.step
        progress.losses_since_row.append(loss)
        if step % self.row_steps and step not in self.evaluation_steps:
            return
        loss = float(np.mean(progress.losses_since_row))
        row = {"step": step, "loss": loss, "learning_rate": self.learning_rate(step - 1)}
        if step in self.evaluation_steps:
            scores = self.choose()
            row |= {"heldout_loss": scores["loss"], "heldout_cosine": scores["cosine"]}
        progress.losses_since_row = []
        progress.curve.append(row)
        self.on_row(row)

    def choose(self) -> dict[str, float]:
        """Score the student on held-out pairs, and keep its weights if none were better."""
        with self.averaged():
            scores = asdict(evaluate(self.student, self.heldout, self.heldout_batches, self.objective, self.precision))
            scores = self.processes.told_by_first(scores)
            first_or_gated = not self.best_weights or self.objective.gates is not None
            better = first_or_gated or scores["loss"] < self.progress.best["loss"]
            self.progress.evaluations_since_best += 1
            if better:
                self.progress.best, self.progress.best_step = scores, self.progress.step
                self.progress.evaluations_since_best = 0
                self.best_weights = {name: p.detach().cpu().clone() for name, p in self.parameters.items()}
        self.stop_if_diverged(scores)
        return scores

    def load_weights(self, weights: dict[str, Tensor]) -> None:
        with torch.no_grad():
            for name, parameter in self.parameters.items():
                parameter.copy_(weights[name])

    def state(self) -> dict[str, Any]:
        """All that the next step depends on, what a checkpoint holds; order and randomness follow from the step."""
        return {
            "weights": {name: p.detach() for name, p in self.parameters.items()},
            "best_weights": self.best_weights,
            "mean_weights": self.mean_weights,
            "optimiser": self.optimiser.state_dict(),
            "progress": asdict(self.progress),
        }

    def load_state(self, state: dict[str, Any]) -> None:
        self.progress = Progress(**state["progress"])
        self.load_weights(state["weights"])
        self.best_weights = state["best_weights"]
        for name, value in state["mean_weights"].items():
            self.mean_weights[name].copy_(value)
        self.optimiser.load_state_dict(state["optimiser"])

    def result(self, sentences_per_s: float) -> Result:
        progress, sides = self.progress, [self.train.en.lengths, self.train.ru.lengths]
        waste = padding_waste(sides, self.epoch_batches(0))
        before, best = Scores(**progress.before), Scores(**progress.best)
        return Result(
            before, best, progress.best_step, progress.step, progress.curve, self.precision, waste, sentences_per_s
        )
