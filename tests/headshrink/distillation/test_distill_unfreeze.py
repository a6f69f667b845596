"""Gradual unfreezing: what has not had its turn keeps its bytes."""

import copy
from dataclasses import replace

import pytest
import torch

from headshrink.checkpoint import Checkpoints
from headshrink.distillation.callbacks import OnRow, callbacks_of
from headshrink.distillation.callbacks.unfreeze import opening_steps
from headshrink.distillation.recipe import Recipe
from headshrink.distillation.selection import choose
from headshrink.distillation.trainer import Trainer
from headshrink.distillation.trainer import train as train_student
from headshrink.distillation.training_data import TrainingData

RECIPE = Recipe(
    {"cosine": 1.0}, epochs=2, batch_size=8, learning_rate=3e-3, evaluations=1, ema=0.9, unfreeze=0.8, precision="fp32"
)


def test_layers_open_from_the_top_and_the_words_at_the_end():
    names = [f"backbone.encoder.layer.{i}.output.dense.weight" for i in range(4)]
    names += ["backbone.embeddings.word_embeddings.weight", "backbone.pooler.dense.bias", "objective.projection.weight"]
    assert list(opening_steps(names, 0.5, 80).values()) == [30, 20, 10, 0, 40, 0, 0]
    shared = ["backbone.embeddings.x", "backbone.encoder.layer.0.x", "dense.0.weight"]
    assert list(opening_steps(shared, 0.5, 80).values()) == [40, 0, 0]
    assert list(opening_steps(["backbone.embeddings.x"], 0.5, 80).values()) == [0]  # a static student is all top


def test_what_is_frozen_keeps_its_bytes_until_its_turn(student, train, heldout):
    """10 steps, the lower of two layers from step 4 on, the embeddings from step 8."""
    trainer = Trainer(student, TrainingData(train, heldout), RECIPE, callbacks=callbacks_of(RECIPE))
    trainer.progress.before = choose(trainer)
    opens = {"encoder.layer.1.": 0, "encoder.layer.0.": 4, "embeddings.": 8}
    for step in range(trainer.steps.count):
        before = {name: p.detach().clone() for name, p in trainer.parameters.items()}
        trainer.train_step(trainer.steps.batches(step))
        for name, parameter in trainer.parameters.items():
            turn = next(turn for place, turn in opens.items() if place in name)
            changed = not torch.equal(before[name], parameter)
            if "key.bias" in name:  # softmax does not see it: its gradient is rounding
                continue
            assert changed == (step >= turn), f"{name} at step {step}"


def test_resumed_in_the_middle_it_ends_in_the_same_bytes(student, train, heldout, tmp_path):
    recipe = replace(RECIPE, checkpoint_minutes=1e-9)
    whole, broken = copy.deepcopy(student), copy.deepcopy(student)
    train_student(whole, TrainingData(train, heldout), recipe)

    def stop(row):
        if row["step"] == 6:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train_student(broken, TrainingData(train, heldout), recipe, Checkpoints(tmp_path), [OnRow(stop)])
    train_student(student, TrainingData(train, heldout), recipe, Checkpoints(tmp_path))
    assert all(torch.equal(value, student.state_dict()[name]) for name, value in whole.state_dict().items())
    assert all(parameter.requires_grad for parameter in student.parameters())
