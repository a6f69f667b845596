"""Losses: zero at the teacher where they imitate, equal to NumPy where they do not, and worth training on."""

import copy
import math

import numpy as np
import pytest
import torch
from torch.nn.functional import normalize

from headshrink.distillation.losses import LOSSES, ON_EMBEDDINGS, Outputs
from headshrink.padding import padded

IMITATION = ["cosine", "mse", "prediction", "relational"]
TASK = ["crosslingual", "ranking", "similarity"]


def random_outputs(seed: int, pairs: int = 5, dimension: int = 7) -> Outputs:
    generator = torch.Generator().manual_seed(seed)
    return Outputs.from_block(normalize(torch.randn(2 * pairs, dimension, generator=generator, dtype=torch.float64)))


def numpy_value(name: str, student: Outputs, teacher: Outputs) -> float:
    """The losses again, from their formulae, on unit vectors and pair by pair."""
    en, ru, teacher_en, teacher_ru = (side.numpy() for side in (student.en, student.ru, teacher.en, teacher.ru))
    pairs = range(len(en))
    if name == "cosine":
        return np.mean([1 - (en[i] @ teacher_en[i] + ru[i] @ teacher_ru[i]) / 2 for i in pairs])
    if name == "mse":
        squares = [((en[i] - teacher_en[i]) ** 2).sum() + ((ru[i] - teacher_ru[i]) ** 2).sum() for i in pairs]
        return np.mean(squares) / 2
    if name == "crosslingual":
        squares = [((ru[i] - teacher_en[i]) ** 2).sum() + ((en[i] - teacher_ru[i]) ** 2).sum() for i in pairs]
        return np.mean(squares) / 2
    if name == "prediction":
        return prediction_value(en @ ru.T, teacher_en @ teacher_ru.T)
    if name == "similarity":
        return np.mean([1 - en[i] @ ru[i] for i in pairs])
    if name == "relational":
        return relational_value(np.concatenate([en, ru]), np.concatenate([teacher_en, teacher_ru]))
    total = 0.0
    for i in pairs:
        true = math.exp(20 * (en[i] @ ru[i] - 0.3))
        row = true + sum(math.exp(20 * en[i] @ ru[j]) for j in pairs if j != i)
        column = true + sum(math.exp(20 * en[j] @ ru[i]) for j in pairs if j != i)
        total -= math.log(true / row) + math.log(true / column)
    return total / (2 * len(en))


def prediction_value(ours: np.ndarray, theirs: np.ndarray) -> float:
    """KL between softmaxes of 20 times the cosines, over rows and over columns."""
    total = 0.0
    for q, p in ((ours, theirs), (ours.T, theirs.T)):
        q, p = (np.exp(20 * x) / np.exp(20 * x).sum(1, keepdims=True) for x in (q, p))
        total += (p * np.log(p / q)).sum()
    return total / (2 * len(ours))


def relational_value(ours: np.ndarray, theirs: np.ndarray) -> float:
    """KL between the neighbour distributions, sentence by sentence."""
    total = 0.0
    for i in range(len(ours)):
        others = [j for j in range(len(ours)) if j != i]
        q, p = (np.exp(20 * side[others] @ side[i]) for side in (ours, theirs))
        q, p = q / q.sum(), p / p.sum()
        total += (p * np.log(p / q)).sum()
    return total / len(ours)


def test_every_loss_is_either_imitation_or_task():
    assert sorted(n for n, loss in LOSSES.items() if loss.needs <= ON_EMBEDDINGS) == sorted(IMITATION + TASK)


@pytest.mark.parametrize("name", IMITATION)
def test_imitation_is_zero_with_zero_gradient_at_the_teacher(name):
    teacher = random_outputs(0)
    student = Outputs(teacher.en.clone().requires_grad_(), teacher.ru.clone().requires_grad_())
    loss = LOSSES[name](student, teacher)
    loss.backward()
    assert abs(loss.item()) < 1e-12
    assert max(student.en.grad.abs().max(), student.ru.grad.abs().max()) < 1e-12


@pytest.mark.parametrize("name", IMITATION + TASK)
@pytest.mark.parametrize("seed", [1, 2])
def test_value_equals_the_formula_in_numpy(name, seed):
    student, teacher = random_outputs(seed), random_outputs(0)
    assert LOSSES[name](student, teacher).item() == pytest.approx(numpy_value(name, student, teacher), rel=1e-9)


def test_cosine_on_a_hand_computed_example():
    """English at 90 degrees from the teacher's, Russian at 60: (1 - 0 + 1 - 0.5) / 2."""
    teacher = Outputs(torch.tensor([[1.0, 0.0]]), torch.tensor([[1.0, 0.0]]))
    student = Outputs(torch.tensor([[0.0, 1.0]]), torch.tensor([[0.5, math.sqrt(0.75)]]))
    assert LOSSES["cosine"](student, teacher).item() == pytest.approx(0.75)
    assert LOSSES["mse"](student, teacher).item() == pytest.approx(1.5)  # (2 + 1) / 2


def test_relational_is_blind_to_a_rotation_of_the_space():
    teacher = random_outputs(0)
    rotation, _ = torch.linalg.qr(torch.randn(7, 7, generator=torch.Generator().manual_seed(3), dtype=torch.float64))
    turned = Outputs(teacher.en @ rotation, teacher.ru @ rotation)
    assert abs(LOSSES["relational"](turned, teacher).item()) < 1e-12
    assert LOSSES["cosine"](turned, teacher).item() > 0.1


def test_ranking_spares_what_the_teacher_holds_for_the_same():
    """Pair 1 repeats pair 0's English for the teacher: neither is the other's negative, and the rest still are."""
    teacher, student = random_outputs(0, pairs=3), random_outputs(1, pairs=3)
    repeated = Outputs(torch.stack([teacher.en[0], teacher.en[0], teacher.en[2]]), teacher.ru)
    logits = 20 * (student.en @ student.ru.T - 0.3 * torch.eye(3, dtype=torch.float64)).numpy()
    logits[0, 1] = logits[1, 0] = -np.inf
    ways = [np.log(np.exp(matrix).sum(1)) - np.diag(matrix) for matrix in (logits, logits.T)]
    assert LOSSES["ranking"](student, repeated).item() == pytest.approx(np.mean(ways))


def test_ranking_tells_a_translation_from_the_queues_sentences_too():
    """One pair against two earlier ones, of which the teacher holds the second for the same as the pair's English."""
    teacher, student = random_outputs(0, pairs=1), random_outputs(1, pairs=1)
    earlier = random_outputs(2, pairs=2)
    queue = Outputs(torch.stack([earlier.en[0], teacher.en[0]]), earlier.ru)
    true = math.exp(20 * (student.en[0] @ student.ru[0] - 0.3).item())
    forward = true + math.exp(20 * (student.en[0] @ queue.ru[0]).item())
    back = true + math.exp(20 * (student.ru[0] @ queue.en[0]).item())
    expected = -(math.log(true / forward) + math.log(true / back)) / 2
    loss = LOSSES["ranking"](student, Outputs(teacher.en, teacher.ru, queue=queue))
    assert loss.item() == pytest.approx(expected)


@pytest.mark.parametrize("name", IMITATION + TASK)
def test_gradcheck(name):
    teacher, start = random_outputs(0), random_outputs(1)
    block = torch.cat([start.en, start.ru]).requires_grad_()
    assert torch.autograd.gradcheck(lambda x: LOSSES[name](Outputs.from_block(x), teacher), block)


@pytest.mark.parametrize("name", IMITATION + TASK)
def test_more_padding_same_loss(name, tiny_encoder):
    rows = tiny_encoder.tokenise(["the man runs", "a cat", "мужчина бежит", "кошка"])
    ids, mask = map(torch.from_numpy, padded(rows, tiny_encoder.tokenizer.pad_token_id))
    wide_ids, wide_mask = (torch.nn.functional.pad(block, (0, 9)) for block in (ids, mask))
    teacher = random_outputs(0, pairs=2, dimension=32)
    double = tiny_encoder.double()
    narrow, wide = (double(*block) for block in ((ids, mask), (wide_ids, wide_mask)))
    values = [LOSSES[name](Outputs.from_block(block), teacher).item() for block in (narrow, wide)]
    assert values[0] == pytest.approx(values[1], rel=1e-9)


@pytest.mark.parametrize("name", IMITATION + TASK)
def test_falls_when_a_perturbed_student_trains_on_it_alone(name, tiny_encoder):
    rows = tiny_encoder.tokenise(["the man runs", "a cat sleeps", "a big house", "мужчина бежит", "кошка спит", "дом"])
    ids, mask = map(torch.from_numpy, padded(rows, tiny_encoder.tokenizer.pad_token_id))
    with torch.no_grad():
        teacher = Outputs.from_block(tiny_encoder(ids, mask))
    student = copy.deepcopy(tiny_encoder)
    torch.manual_seed(1)
    for parameter in student.parameters():
        parameter.data += 0.05 * torch.randn_like(parameter)
    optimiser = torch.optim.Adam(student.parameters(), lr=1e-3)
    values = []
    for _ in range(20):
        loss = LOSSES[name](Outputs.from_block(student(ids, mask)), teacher)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        values.append(loss.item())
    assert values[-1] < 0.8 * values[0]
