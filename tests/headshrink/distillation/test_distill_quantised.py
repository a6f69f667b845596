"""Quantisation-aware training: the student rounds as its int8 export does, and learns through the rounding."""

import copy

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from headshrink.distillation.callbacks.quantise import quantised, rounded_activations, rounded_weights
from headshrink.distillation.evaluate import evaluate
from headshrink.distillation.gradients import add_gradient
from headshrink.distillation.recipe import Recipe
from headshrink.distillation.trainer import Trainer
from headshrink.distillation.trainer import train as train_student
from headshrink.distillation.training_data import TrainingData
from headshrink.exporting import TARGETS, Options, Original
from headshrink.exporting.onnx_encoder import OnnxEncoder
from headshrink.exporting.quantise._matrices import to_int8
from headshrink.exporting.quantise.int8 import FULL_RANGE, REDUCED_RANGE
from headshrink.pruning.embedding import factorise

RECIPE = Recipe(
    {"cosine": 1.0}, epochs=4, batch_size=8, learning_rate=3e-3, evaluations=2, quantise=True, precision="fp32"
)


@pytest.mark.parametrize("bound", [REDUCED_RANGE, FULL_RANGE])
@given(st.integers(0, 2**31))
def test_weights_round_as_the_export_rounds_them(bound: int, seed: int):
    weights = np.random.default_rng(seed).normal(size=(5, 7)).astype(np.float32)
    weights[2] = 0
    small, scale = to_int8(weights, bound, axis=1)
    np.testing.assert_allclose(rounded_weights(torch.from_numpy(weights), bound), small * scale, rtol=1e-5, atol=1e-7)


def test_activations_have_zero_and_at_most_256_levels():
    torch.manual_seed(0)
    for states in (torch.randn(50, 60), torch.rand(50, 60) + 1, -torch.rand(50, 60), torch.zeros(3, 4)):
        rounded = rounded_activations(states)
        step = (states.amax().clamp(min=0) - states.amin().clamp(max=0)) / 255
        assert (rounded - states).abs().max() <= step * 1.001
        assert len(rounded.unique()) <= 256
    assert rounded_activations(torch.tensor([0.0, 3.0, -1.0]))[0] == 0


@pytest.mark.parametrize("rank", [None, 12])
def test_embeddings_are_those_of_the_int8_export(tmp_path, student, rank):
    texts = ["the man sees the dog", "кошка спит в дом", "a woman reads on the tree"]
    if rank:
        student = factorise(student, rank, torch.ones(student.backbone.config.vocab_size))
    TARGETS["onnx_int8"].write(Original(student), tmp_path, Options())
    exported = OnnxEncoder(tmp_path).encode(texts, batch_size=1)
    exact = student.encode(texts, batch_size=1)
    with quantised(student):
        rounded = student.encode(texts, batch_size=1)
    assert np.abs(rounded - exported).max() < 0.1 * np.abs(exact - exported).max()
    assert np.array_equal(student.encode(texts, batch_size=1), exact)


def test_every_weight_learns_through_the_rounding(student, train, heldout):
    trainer = Trainer(student, TrainingData(train, heldout), RECIPE)
    with quantised(student):
        add_gradient(trainer, 0, np.arange(8).reshape(2, -1), 1.0)
    missing = [name for name, p in trainer.parameters.items() if p.grad is None or not p.grad.any()]
    assert all("key.bias" in name or "pooler" in name for name in missing), missing


def test_what_counts_is_the_rounded_student(student, train, heldout):
    result = train_student(student, TrainingData(train, heldout), RECIPE)
    trainer = Trainer(copy.deepcopy(student), TrainingData(train, heldout), RECIPE)

    def loss() -> float:
        model = trainer.student.eval()
        return evaluate(model, heldout, trainer.objective, RECIPE.batch_size, "fp32").loss

    exact = loss()
    with quantised(trainer.student):
        rounded = loss()
    assert result.best.loss == pytest.approx(rounded, rel=1e-4)
    assert abs(rounded - exact) > 1e-4 * exact
    assert result.best.loss < 0.9 * result.before.loss
