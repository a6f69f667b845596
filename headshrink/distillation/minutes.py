"""A budget of training time: the number of epochs that fits, by a short trial on this machine.

The learning rate then ends at zero within the time. A training that is cut off by a clock would end at a high one.
"""

import copy
import time
from dataclasses import replace

from headshrink.distillation.evaluate import sample
from headshrink.distillation.processes import Processes
from headshrink.distillation.recipe import Recipe
from headshrink.distillation.steps import Steps
from headshrink.distillation.trainer import train
from headshrink.distillation.training_data import TrainingData
from headshrink.model import SentenceEncoder

TRIAL_STEPS = 12


def epochs_within(minutes: float, student: SentenceEncoder, data: TrainingData, recipe: Recipe) -> float:
    """Epochs of a training that takes so long with its evaluations, of at least one step; the student is left alone.

    Several processes get the figure of the first.
    """
    steps = Steps(recipe, data.train)
    trial = replace(recipe, epochs=(min(TRIAL_STEPS, steps.per_epoch) - 0.5) / steps.per_epoch, evaluations=1)
    chosen = sample(data.heldout, recipe.heldout_pairs)
    started = time.monotonic()
    result = train(copy.deepcopy(student), replace(data, heldout=chosen), trial)
    seconds = time.monotonic() - started
    sentences = sum(batch.size for step in range(result.steps) for batch in steps.batches(step))
    training = sentences / result.sentences_per_s
    evaluation = max(0.0, seconds - training) / 2  # before the training and at its end
    of_all_pairs = evaluation * data.heldout.pairs / chosen.pairs if chosen.pairs < data.heldout.pairs else 0.0
    left = 60 * minutes - (recipe.evaluations + 1) * evaluation - of_all_pairs
    count = max(1, int(left / (training / result.steps)))
    return Processes().told_by_first({"epochs": (count - 0.5) / steps.per_epoch})["epochs"]
