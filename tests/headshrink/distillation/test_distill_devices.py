"""Targets, training and word vectors on a pretended GPU, up to the first number that they need."""

import numpy as np
import pytest
import torch
from devices import pretended_gpu, until_numbers
from tiny_training import random_mlm_head

from headshrink.data.targets import embed
from headshrink.distillation.evaluate import evaluate
from headshrink.distillation.losses import LOSSES
from headshrink.distillation.mlm_fit import cross_entropy
from headshrink.distillation.objective import Objective
from headshrink.distillation.students.static import word_vectors
from headshrink.distillation.training_data import Reference

HALVES = np.array([[0, 1, 2, 3], [40, 41, 42, 43]])


@pytest.mark.parametrize("name", LOSSES)
def test_training_step(name, tiny_encoder, student, train):
    mlm_head = random_mlm_head(tiny_encoder)
    batch = train.batch(HALVES, 0, HALVES if name == "ranking" else None)
    with pretended_gpu() as gpu:
        teacher, learner = tiny_encoder.to(gpu), student.to(gpu)
        objective = Objective({name: 1.0}, learner, Reference(teacher, mlm_head.to(gpu)))
        with until_numbers():
            outputs = objective.outputs(learner, batch.to(gpu), "fp32")
            terms = objective.terms([name], *outputs, 0.5, True) + objective.projected_terms(*outputs)
            sum(terms).backward()
            torch.optim.AdamW(learner.parameters()).step()


def test_evaluation(tiny_encoder, student, heldout):
    with pretended_gpu() as gpu, until_numbers():
        objective = Objective({"cosine": 1.0}, student.to(gpu))
        evaluate(student, heldout, objective, 4, "fp32")


def test_targets(tiny_encoder, train):
    rows = [train.tokens[i] for i in range(4)]
    with pretended_gpu() as gpu, until_numbers():
        embed(tiny_encoder.to(gpu), rows, "fp32")


def test_fit_of_an_mlm_head(tiny_encoder, train):
    rows, mlm_head = [train.tokens[i] for i in range(4)], random_mlm_head(tiny_encoder)
    with pretended_gpu() as gpu, until_numbers():
        cross_entropy(tiny_encoder.to(gpu), mlm_head.to(gpu), rows, "fp32")


def test_static_baseline(tiny_encoder):
    counts = torch.ones(len(tiny_encoder.tokenizer))
    with pretended_gpu() as gpu, until_numbers():
        word_vectors(tiny_encoder.to(gpu), counts)
