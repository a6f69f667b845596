"""Held-out evaluation: a fixed sample while training, all pairs once at the end."""

import json
from dataclasses import replace

import numpy as np
import pytest
from tiny_training import SHARED

import headshrink.distillation.selection
from headshrink.distillation.evaluate import evaluate, sample
from headshrink.distillation.objective import Objective
from headshrink.distillation.record import summary, write_metrics
from headshrink.distillation.trainer import train as train_student
from headshrink.distillation.training_data import TrainingData


def test_a_sample_is_evenly_spaced_and_keeps_ids_and_targets(train):
    chosen = sample(train, 5)
    assert (chosen.pairs, len(chosen)) == (5, 10)
    places = [0, 10, 20, 29, 39]
    for place, (own, other) in enumerate(zip(places, [40 + place for place in places], strict=True)):
        np.testing.assert_array_equal(chosen.tokens[place], train.tokens[own])
        np.testing.assert_array_equal(chosen.tokens[5 + place], train.tokens[other])
    np.testing.assert_array_equal(
        chosen.targets[0].take(np.arange(10)), train.targets[0].take(np.array([*places, *(40 + p for p in places)]))
    )


def test_a_sample_of_all_pairs_is_the_table_itself(train):
    assert sample(train, 40) is train
    assert sample(train, 41) is train


@pytest.mark.parametrize("ema", [0.0, 0.9])
def test_the_sample_chooses_and_all_pairs_are_scored_once(ema, student, train, heldout, tmp_path, monkeypatch):
    sizes = []

    def spy(student, table, *rest):
        sizes.append(table.pairs)
        return evaluate(student, table, *rest)

    monkeypatch.setattr(headshrink.distillation.selection, "evaluate", spy)
    recipe = replace(SHARED, evaluations=3, heldout_pairs=3, ema=ema)
    result = train_student(student, TrainingData(train, heldout), recipe)
    assert sizes == [3] * 4 + [8]
    assert result.all_pairs == evaluate(student, heldout, Objective(recipe.losses, student), 8, "fp32")
    write_metrics(result, tmp_path / "metrics.json")
    metrics = json.loads((tmp_path / "metrics.json").read_text())
    assert metrics["all_heldout_cosine"] == round(result.all_pairs.cosine, 6)
    assert metrics["heldout_cosine"] == round(result.best.cosine, 6)
    assert "on all held-out pairs" in summary(result)


def test_a_sample_of_all_pairs_is_not_scored_again(student, train, heldout, tmp_path):
    result = train_student(student, TrainingData(train, heldout), replace(SHARED, heldout_pairs=8))
    assert result.all_pairs is None
    write_metrics(result, tmp_path / "metrics.json")
    assert "all_heldout" not in (tmp_path / "metrics.json").read_text()
