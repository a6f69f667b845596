"""Which batches a step trains on, and at which learning rate: functions of the step alone.

A resumed training needs no state of either.
"""

import math
from functools import lru_cache

import numpy as np

from headshrink.distillation.batches import bucketed_apart
from headshrink.distillation.pairs import Pairs
from headshrink.distillation.recipe import Recipe
from headshrink.distillation.schedule import learning_rate_factor


class Steps:
    """Steps, batches and learning rates of one training.

    `per_epoch` steps pass over all pairs once; the training has `count` steps. Batches are arrays of pair indices.
    """

    def __init__(self, recipe: Recipe, train: Pairs) -> None:
        self.recipe, self.train = recipe, train
        self.epoch_batches = lru_cache(maxsize=1)(self._epoch_batches)
        self.per_epoch = math.ceil(len(self.epoch_batches(0)) / recipe.accumulate)
        self.count = math.ceil(recipe.epochs * self.per_epoch)

    def _epoch_batches(self, epoch: int) -> list[np.ndarray]:
        train, recipe = self.train, self.recipe
        return bucketed_apart(train.lengths, train.translations, recipe.batch_size, recipe.seed, epoch)

    def batches(self, step: int) -> list[np.ndarray]:
        """The batches of one step; the last step of an epoch may have fewer than `accumulate`."""
        epoch, position = divmod(step, self.per_epoch)
        count = self.recipe.accumulate
        return self.epoch_batches(epoch)[position * count : (position + 1) * count]

    def queue(self, step: int) -> np.ndarray | None:
        """Indices of the latest pairs before a step in its epoch, at most `recipe.queue`; None where there are none."""
        epoch, position = divmod(step, self.per_epoch)
        seen = position * self.recipe.accumulate
        if not self.recipe.queue or not seen:
            return None
        batches = math.ceil(self.recipe.queue / self.recipe.batch_size)
        return np.concatenate(self.epoch_batches(epoch)[max(0, seen - batches) : seen])[-self.recipe.queue :]

    def learning_rate(self, step: int) -> float:
        """The learning rate of a step, counted from 0."""
        recipe = self.recipe
        return recipe.learning_rate * learning_rate_factor(step, self.count, recipe.warmup, recipe.decay)
