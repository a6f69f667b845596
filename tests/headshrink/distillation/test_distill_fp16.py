"""fp16: the loss is scaled, an overflow makes no update, and the scale is in the checkpoint."""

from dataclasses import replace

import pytest
import torch
from tiny_training import SHARED

from headshrink.distillation.state import TrainingState
from headshrink.distillation.trainer import Trainer
from headshrink.distillation.trainer import train as train_student
from headshrink.distillation.training_data import TrainingData
from headshrink.errors import HeadshrinkError

RECIPE = replace(SHARED, losses={"cosine": 1.0}, dropout=0.0, word_dropout=0.0, ema=0.0, precision="fp16")


@pytest.fixture
def trainer(student, train, heldout) -> Trainer:
    return Trainer(student, TrainingData(train, heldout), RECIPE)


def overflowing(trainer: Trainer, scale: float) -> None:
    """The next steps' scaled gradients are infinite in one parameter."""
    trainer.scaler = torch.amp.GradScaler("cpu", init_scale=scale)
    first = next(iter(trainer.parameters.values()))
    first.register_hook(lambda gradient: torch.full_like(gradient, torch.inf))


def test_training_brings_the_student_nearer(student, train, heldout):
    result = train_student(student, TrainingData(train, heldout), RECIPE)
    assert result.precision == "fp16"
    assert result.best.cosine > result.before.cosine + 0.01


def test_only_fp16_scales(trainer, student, train, heldout):
    assert trainer.scaler.is_enabled()
    other = Trainer(student, TrainingData(train, heldout), replace(RECIPE, precision="bf16"))
    assert not other.scaler.is_enabled()
    assert other.scaler.state_dict() == {}


def test_an_overflow_makes_no_update_and_halves_the_scale(trainer):
    overflowing(trainer, 1024.0)
    before = {name: p.detach().clone() for name, p in trainer.parameters.items()}
    trainer.train_step(trainer.steps.batches(0))
    assert trainer.progress.step == 1
    assert trainer.scaler.get_scale() == 512.0
    assert all(torch.equal(p, before[name]) for name, p in trainer.parameters.items())


def test_the_scale_is_in_the_checkpoint(trainer, student, train, heldout):
    overflowing(trainer, 1024.0)
    trainer.train_step(trainer.steps.batches(0))
    trainer.progress.best = {"loss": 1.0}
    resumed = Trainer(student, TrainingData(train, heldout), RECIPE)
    trainer.best_weights = {name: p.detach() for name, p in trainer.parameters.items()}
    TrainingState.of(trainer).resume(resumed)
    assert resumed.scaler.state_dict() == trainer.scaler.state_dict()


def test_overflow_without_a_scale_to_lower_is_divergence(trainer):
    overflowing(trainer, 1.0)
    with pytest.raises(HeadshrinkError, match="gradient norm"):
        trainer.train_step(trainer.steps.batches(0))
