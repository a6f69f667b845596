"""The gradient of one batch, in passes of a bounded number of padded tokens.

A batch above the bound is computed in parts. Losses that are means over pairs or tokens are weighted by a part's pairs,
and their gradients add up. A loss that compares the sentences of a batch with each other (Need.WHOLE_BATCH) is computed
on the embeddings of all parts first, without a graph. Then each part runs again, and the loss's gradient with respect
to its embeddings enters its backward pass (GradCache, Gao et al. 2021). The result is the gradient of the whole batch;
the price is one more forward pass.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from headshrink.data.batches import micro_batches
from headshrink.distillation.losses import Outputs
from headshrink.distillation.processes import seed_of_batch

if TYPE_CHECKING:
    from headshrink.distillation.trainer import Trainer


def add_gradient(trainer: "Trainer", place: int, halves: np.ndarray, share: float) -> float:
    """Add the gradient of a step's batch number `place`, sentences [2, rows]; its loss times `share`.

    `share` is the batch's share of the step's sentences.
    """
    objective, lengths = trainer.objective, trainer.data.train.tokens.lengths
    parts = [
        Part(trainer, place, number, rows, share * (rows.size / halves.size))
        for number, rows in enumerate(micro_batches(halves, lengths, trainer.recipe.micro_batch_tokens))
    ]
    if len(parts) == 1 or not objective.whole_batch:
        return sum(part.backward(list(objective.weights)) for part in parts)
    loss, gradients = of_embeddings(trainer, parts, share)
    rest = [name for name in objective.weights if name not in objective.whole_batch]
    return loss + sum(part.backward(rest, gradient) for part, gradient in zip(parts, gradients, strict=True))


@dataclass(frozen=True)
class Part:
    """Rows of a batch that the student reads in one pass; they are `share` of their step.

    `place` is the batch's in its step, `number` the part's in its batch: what is random depends on the seed and them.
    """

    trainer: "Trainer"
    place: int
    number: int
    halves: np.ndarray
    share: float

    def outputs(self) -> tuple[Outputs, Outputs, bool]:
        """Student's and teacher's outputs, and whether the rows are translations; each call draws the same numbers."""
        trainer, step = self.trainer, self.trainer.progress.step
        torch.manual_seed(seed_of_batch(trainer.recipe.seed, step, self.place, self.number))
        queue = trainer.steps.queue(step)
        batch = trainer.data.train.batch(self.halves, trainer.student.pad_id, queue).to(trainer.student.device)
        student_ids = batch.input_ids
        for callback in trainer.callbacks:
            student_ids = callback.student_ids(trainer, student_ids)
        return *trainer.objective.outputs(trainer.student, batch, trainer.precision, student_ids), batch.translated

    def backward(self, losses: Sequence[str], carried: Tensor | None = None) -> float:
        """Add the gradient of some losses and of the penalties; their value times `share`.

        `carried`, [2 * rows, dimension], is the gradient of the other losses with respect to the embeddings.
        """
        trainer, progress = self.trainer, self.trainer.share_done
        student, teacher, translated = self.outputs()
        terms = trainer.objective.terms(losses, student, teacher, progress, translated)
        terms += trainer.objective.projected_terms(student, teacher)
        terms += [penalty for callback in trainer.callbacks for penalty in callback.penalties(progress)]
        loss = self.share * torch.stack(terms).sum() if terms else student.en.new_zeros(())
        total = loss if carried is None else loss + (student.block * carried).sum()
        trainer.scaler.scale(total).backward()
        return loss.item()


def of_embeddings(trainer: "Trainer", parts: Sequence[Part], share: float) -> tuple[float, list[Tensor]]:
    """The losses on a whole batch times `share`, and their gradients with respect to each part's embeddings."""
    blocks, teachers = [], []
    for part in parts:
        with torch.no_grad():
            student, teacher, translated = part.outputs()
        blocks.append(student.block.requires_grad_())
        teachers.append(Outputs(teacher.en, teacher.ru, teacher.queue))
    ours, theirs = joined([Outputs.from_block(block) for block in blocks]), joined(teachers)
    theirs = replace(theirs, queue=teachers[0].queue)
    terms = trainer.objective.terms(trainer.objective.whole_batch, ours, theirs, trainer.share_done, translated)
    if not terms:
        return 0.0, [torch.zeros_like(block) for block in blocks]
    loss = share * torch.stack(terms).sum()
    return loss.item(), list(torch.autograd.grad(loss, blocks))


def joined(parts: Sequence[Outputs]) -> Outputs:
    """The embeddings of several parts as those of one batch."""
    return Outputs(torch.cat([part.en for part in parts]), torch.cat([part.ru for part in parts]))
