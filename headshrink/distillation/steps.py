"""Which batches a step trains on, and at which learning rate: functions of the step alone.

A resumed training needs no state of either.
"""

import math
from functools import lru_cache

import numpy as np

from headshrink.data.batches import bucketed_apart, halves
from headshrink.data.table import SentenceTable
from headshrink.distillation.recipe import Recipe
from headshrink.distillation.schedule import learning_rate_factor


class Steps:
    """Steps, batches and learning rates of one training.

    `per_epoch` steps pass over all sentences once; the training has `count` steps. A batch is numbers of sentences,
    [2, n]: those of the two halves of its block.
    """

    def __init__(self, recipe: Recipe, train: SentenceTable) -> None:
        self.recipe, self.pairs = recipe, train.pairs
        self.halves = halves(train)
        self.lengths = train.tokens.lengths[self.halves].max(0)  # what a row of a block costs
        self.epoch_batches = lru_cache(maxsize=1)(self._epoch_batches)
        self.per_epoch = math.ceil(len(self.epoch_batches(0)) / recipe.accumulate)
        self.count = math.ceil(recipe.epochs * self.per_epoch)

    def _epoch_batches(self, epoch: int) -> list[np.ndarray]:
        recipe = self.recipe
        return bucketed_apart(self.lengths, self.pairs, recipe.batch_size, recipe.seed, epoch)

    def batches(self, step: int) -> list[np.ndarray]:
        """The batches of one step; the last step of an epoch may have fewer than `accumulate`."""
        epoch, position = divmod(step, self.per_epoch)
        count = self.recipe.accumulate
        return [self.halves[:, rows] for rows in self.epoch_batches(epoch)[position * count : (position + 1) * count]]

    def first_epoch(self) -> list[np.ndarray]:
        """All batches of the first epoch."""
        return [self.halves[:, rows] for rows in self.epoch_batches(0)]

    def queue(self, step: int) -> np.ndarray | None:
        """The latest sentences before a step in its epoch, [2, recipe.queue] at most; None where there are none."""
        epoch, position = divmod(step, self.per_epoch)
        seen = position * self.recipe.accumulate
        if not self.recipe.queue or not seen:
            return None
        batches = math.ceil(self.recipe.queue / self.recipe.batch_size)
        rows = np.concatenate(self.epoch_batches(epoch)[max(0, seen - batches) : seen])[-self.recipe.queue :]
        return self.halves[:, rows]

    def learning_rate(self, step: int) -> float:
        """The learning rate of a step, counted from 0."""
        recipe = self.recipe
        return recipe.learning_rate * learning_rate_factor(step, self.count, recipe.warmup, recipe.decay)
