"""Cuts made while training: in rounds or by learned masks, to the ratios asked for, in as many steps as asked for."""

import copy
import math
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import torch

from headshrink.checkpoint import Checkpoints
from headshrink.distillation.callbacks import LearnedGates
from headshrink.distillation.gates import GAMMA, RATE, ZETA, Gates
from headshrink.distillation.parts import Parts, parts_of
from headshrink.distillation.recipe import Recipe
from headshrink.distillation.rounds import by_learned_gates, in_rounds
from headshrink.distillation.trainer import train as train_student
from headshrink.distillation.training_data import TrainingData
from headshrink.errors import HeadshrinkError
from headshrink.importance import pair_batches
from headshrink.model.sites import widths
from headshrink.pruning import CutSettings

RECIPE = Recipe({"cosine": 1.0}, epochs=4, batch_size=8, learning_rate=2e-3, evaluations=2, precision="fp32")
CUTS = CutSettings(heads=0.5, ffn=0.5, repair="none")
TEXTS = ["the man runs", "кошка спит", "a big cat sleeps in the house"]


@pytest.fixture
def text(train) -> list:
    return list(pair_batches(*train.sides, 0, 4, 8))


def test_parts_take_the_steps_of_the_whole_and_never_the_same_pairs(train):
    """20 steps of 5 an epoch."""
    parts = parts_of(replace(RECIPE, seed=7), train, [0.33, 0.5, 1])
    steps = [math.ceil(part.epochs * 5) for part in parts]
    assert steps == [7, 3, 10]
    assert [part.seed for part in parts] == [7, 8, 9]
    with pytest.raises(HeadshrinkError, match="20 steps are too few"):
        parts_of(RECIPE, train, [0.001, 1])


def test_rounds_cut_a_little_and_recover_each_time(tiny_encoder, train, heldout, text):
    seen, rows = [], []
    parts = Parts(parts_of(RECIPE, train, [0.5, 1]), None, on_row=rows.append)

    def part(student, **how):
        seen.append(sum(widths(student.backbone, "ffn")))
        return train_student(student, TrainingData(train, heldout), **how)

    parts.train = part
    student, plan = in_rounds(tiny_encoder, CUTS, text, parts)
    assert [len(kept) for kept in plan.ffn] == widths(student.backbone, "ffn")
    assert seen == [91, 64]  # of 128, along 128 / 2^(1/2)
    assert sum(widths(student.backbone, "heads")) == 4
    result = parts.result()
    assert (result.steps, [row["step"] for row in rows]) == (20, list(range(1, 21)))
    assert result.curve == rows
    assert result.best_step > 10
    assert result.best.cosine > result.before.cosine
    assert sum(widths(tiny_encoder.backbone, "ffn")) == 128


@pytest.mark.parametrize("how", ["rounds", "masks"])
@pytest.mark.parametrize("stop_at", [3, 14])
def test_killed_in_either_part_it_ends_in_the_same_bytes(how, stop_at, tiny_encoder, train, heldout, text, tmp_path):
    recipe = replace(RECIPE, checkpoint_minutes=1e-9, dropout=0.1)

    def run(folder, on_row=lambda row: None):
        part = partial(train_student, data=TrainingData(train, heldout))
        parts = Parts(parts_of(recipe, train, [0.5, 1]), part, Checkpoints(tmp_path / folder), on_row)
        if how == "rounds":
            student, _ = in_rounds(tiny_encoder, CUTS, text, parts)
        else:
            student, _ = by_learned_gates(tiny_encoder, {"heads": 0.5, "ffn": 0.5}, parts)
        return student.state_dict(), parts.result()

    def stop(row):
        if row["step"] == stop_at:
            raise KeyboardInterrupt

    expected, whole = run("whole")
    with pytest.raises(KeyboardInterrupt):
        run("killed", stop)
    rows = []
    found, result = run("killed", rows.append)
    assert all(torch.equal(value, found[name]) for name, value in expected.items())
    assert result.curve == whole.curve == rows


def settled(gates: Gates, values: dict[str, torch.Tensor]) -> None:
    """Set log alphas [layers, units] by kind."""
    for i, site in enumerate(gates.sites):
        gates.log_alphas[i].data = values[site.kind][site.layer] / RATE


def test_a_cut_by_closed_gates_computes_what_they_computed(tiny_encoder):
    """With gates of 0 and 1, and some between that stay."""
    torch.manual_seed(0)
    student = copy.deepcopy(tiny_encoder)
    gates = Gates(student, {"heads": 0.5, "ffn": 0.25})
    alphas = {"heads": torch.tensor([[9.0, 9, -9, 9], [-9, -9, 0, -9]]), "ffn": torch.full((2, 64), 9.0)}
    alphas["ffn"][0, :32] = -9.0
    settled(gates, alphas)
    with gates.on():
        gated = student.encode(TEXTS)
    assert np.abs(gated - tiny_encoder.encode(TEXTS)).max() > 0.01
    small = gates.cut(student)
    assert (widths(small.backbone, "heads"), widths(small.backbone, "ffn")) == ([3, 1], [32, 64])
    np.testing.assert_allclose(small.encode(TEXTS), gated, atol=1e-5)


def test_gates_are_drawn_as_their_distribution_says(tiny_encoder):
    """Louizos et al., equation 12: P(gate > 0), by draws; and the masses at both ends."""
    gates = Gates(tiny_encoder, {"heads": 0.5, "ffn": 0.5})
    settled(gates, {"heads": torch.zeros(2, 4), "ffn": torch.full((2, 64), -0.7)})
    torch.manual_seed(0)
    i = next(i for i, site in enumerate(gates.sites) if site.kind == "ffn")
    draws = torch.stack([gates.drawn(i) for _ in range(400)])
    assert (draws > 0).float().mean().item() == pytest.approx(gates.open_share("ffn").item(), abs=0.01)
    assert 0.05 < (draws == 1).float().mean() < 0.5
    alpha = torch.sigmoid(torch.tensor(-0.7)).item()
    assert gates.settled(i)[0].item() == pytest.approx(alpha * (ZETA - GAMMA) + GAMMA)


def test_multipliers_rise_while_too_many_gates_are_open(tiny_encoder):
    gates = Gates(tiny_encoder, {"heads": 0.5, "ffn": 0.0})
    gates.penalty(1.0).backward()
    over = gates.open_share("heads").item() - 0.5
    assert over > 0.4
    torch.testing.assert_close(gates.multipliers["heads"].grad, -RATE * torch.tensor([over, over**2]))
    assert gates.penalty(0.0).item() == 0  # no multiplier yet


def test_training_closes_the_gates_to_their_budget_and_trains_what_is_left(tiny_encoder, train, heldout):
    part = partial(train_student, data=TrainingData(train, heldout))
    parts = Parts(parts_of(replace(RECIPE, epochs=40, learning_rate=3e-3, evaluations=4), train, [0.6, 1]), part)
    opened = {}

    def watched(student, callbacks, **how):
        result = part(student, callbacks=callbacks, **how)
        for gates in [callback.gates for callback in callbacks if isinstance(callback, LearnedGates)]:
            opened.update({kind: gates.open_share(kind).item() for kind in ("heads", "ffn")})
        return result

    parts.train = watched
    student, plan = by_learned_gates(tiny_encoder, {"heads": 0.5, "ffn": 0.75}, parts)
    assert [len(kept) for kept in plan.ffn] == widths(student.backbone, "ffn")
    assert opened["ffn"] == pytest.approx(0.25, abs=0.1)
    assert opened["heads"] == pytest.approx(0.5, abs=0.15)
    assert sum(widths(student.backbone, "heads")) == 4
    assert sum(widths(student.backbone, "ffn")) == 32
    result = parts.result()
    assert result.steps == 200
    assert result.best.cosine > result.before.cosine
