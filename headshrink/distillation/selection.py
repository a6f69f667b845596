"""Which step's weights are kept: those with the lowest loss on held-out pairs."""

from contextlib import ExitStack
from dataclasses import asdict
from typing import TYPE_CHECKING

from headshrink.data.table import SentenceTable
from headshrink.distillation.divergence import highest_loss
from headshrink.distillation.evaluate import evaluate

if TYPE_CHECKING:
    from headshrink.distillation.trainer import Trainer


def choose(trainer: "Trainer") -> dict[str, float]:
    """Evaluate the student on the held-out sample, and keep its weights if no earlier evaluation was better.

    Its scores; a training whose held-out loss left all bounds ends here.
    """
    keeps_last = any(callback.keeps_last for callback in trainer.callbacks)
    with ExitStack() as contexts:
        for callback in trainer.callbacks:
            contexts.enter_context(callback.around_evaluation(trainer))
        found = scores(trainer, trainer.heldout)
        best = keeps_last or not trainer.best_weights or found["loss"] < trainer.progress.best["loss"]
        if best:
            trainer.progress.best, trainer.progress.best_step = found, trainer.progress.step
            trainer.best_weights = {name: p.detach().cpu().clone() for name, p in trainer.parameters.items()}
    for callback in trainer.callbacks:
        callback.after_evaluation(trainer, best)
    before = trainer.progress.before.get("loss", found["loss"])
    if not (keeps_last or found["loss"] <= highest_loss(before, trainer.recipe)):
        trainer.stop(f"held-out loss {found['loss']:.4g}, {before:.4g} before training")
    return found


def scores(trainer: "Trainer", heldout: SentenceTable) -> dict[str, float]:
    """The student as it is on held-out pairs, the same figures in all processes."""
    found = evaluate(trainer.student, heldout, trainer.objective, trainer.recipe.batch_size, trainer.precision)
    return trainer.processes.told_by_first(asdict(found))
