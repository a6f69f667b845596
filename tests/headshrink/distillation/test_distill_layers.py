"""Losses on layers and words: zero at the teacher, blind to padding, equal to their papers' formulae; layers put side
by side."""

import copy
import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from tiny_training import perturbed, random_mlm_head
from torch import Tensor, nn

from headshrink.data.table import Batch
from headshrink.distillation.layers import Heads, Layers, teacher_token_ids, teachers_layers
from headshrink.distillation.losses import LOSSES, ON_EMBEDDINGS, MaskedLogits, Need, Outputs
from headshrink.distillation.losses._tokens import relation_heads
from headshrink.distillation.masking import mask_id, words
from headshrink.distillation.objective import Objective
from headshrink.distillation.training_data import Reference
from headshrink.errors import HeadshrinkError
from headshrink.importance.scores import Scores
from headshrink.model import SentenceEncoder
from headshrink.padding import padded
from headshrink.pruning import Plan, cut, plan_ratio
from headshrink.pruning.embedding import factorise
from headshrink.pruning.layers import keep_layers
from headshrink.pruning.width import cut_width
from headshrink.trimming.run import most_frequent

TEXTS = ["the man runs", "a cat", "мужчина бежит в дом", "кошка"]
LAYER_LOSSES = {name for name, loss in LOSSES.items() if Need.LAYERS in loss.needs}
WORD_LOSSES = {name for name, loss in LOSSES.items() if Need.MASKED_LOGITS in loss.needs}
INSIDE = {name: loss for name, loss in LOSSES.items() if not loss.needs <= ON_EMBEDDINGS}


@pytest.fixture(autouse=True)
def every_third_word(monkeypatch: pytest.MonkeyPatch) -> None:
    """What losses on words have guessed: drawn words would be others with more padding, or at another step."""

    def masked(ids, tokenizer):
        where = words(ids, tokenizer) & (torch.arange(ids.shape[1]) % 3 == 1)
        return ids.masked_fill(where, mask_id(tokenizer)), where

    monkeypatch.setattr("headshrink.distillation.objective.masked", masked)


def objective(name: str, student: SentenceEncoder, teacher: SentenceEncoder) -> Objective:
    return Objective({name: 1.0}, student, Reference(teacher, random_mlm_head(teacher)))


def value(goal: Objective, student: SentenceEncoder, extra: int = 0) -> Tensor:
    """A loss on TEXTS, padded by some more columns."""
    ids, mask = map(torch.from_numpy, padded(student.tokenise(TEXTS), student.tokenizer.pad_token_id))
    ids, mask = (nn.functional.pad(block, (0, extra)) for block in (ids, mask))
    (name,) = goal.weights
    return INSIDE[name](*goal.outputs(student, Batch(ids, mask, torch.zeros(len(ids), student.dimension)), "fp32"))


def loss(name: str, student: Layers | MaskedLogits, teacher: Layers | MaskedLogits) -> Tensor:
    nothing, kind = torch.empty(2, 0), "layers" if name in LAYER_LOSSES else "masked_logits"
    return INSIDE[name](*(Outputs(nothing, nothing, **{kind: side}) for side in (student, teacher)))


@pytest.fixture
def double(tiny_encoder: SentenceEncoder) -> SentenceEncoder:
    return tiny_encoder.double()


@pytest.mark.parametrize("name", sorted(INSIDE.keys() - {"mlm"}))
def test_zero_with_zero_gradient_at_the_teacher(name, double):
    student = copy.deepcopy(double)
    at_teacher = value(objective(name, student, double), student)
    at_teacher.backward()
    assert abs(at_teacher.item()) < 1e-12
    assert max(p.grad.abs().max() for p in student.parameters() if p.grad is not None) < 1e-7


def test_mlm_equals_numpy_at_the_teacher(double):
    """BERT's head over the word table, written out (Devlin et al. 2019): dense, GELU, LayerNorm, product, bias."""
    goal = objective("mlm", double, double)
    ids, mask = map(torch.from_numpy, padded(double.tokenise(TEXTS), double.tokenizer.pad_token_id))
    where = words(ids, double.tokenizer) & (torch.arange(ids.shape[1]) % 3 == 1)
    with torch.no_grad():
        read = ids.masked_fill(where, double.tokenizer.mask_token_id)
        states = double.backbone(input_ids=read, attention_mask=mask).last_hidden_state[where].numpy()
    head = {name: weight.numpy() for name, weight in goal.mlm_head().state_dict().items()}
    x = states @ head["transform.dense.weight"].T + head["transform.dense.bias"]
    x = x * 0.5 * (1 + np.vectorize(math.erf)(x / math.sqrt(2)))
    x = (x - x.mean(1, keepdims=True)) / np.sqrt(x.var(1, keepdims=True) + double.backbone.config.layer_norm_eps)
    x = x * head["transform.LayerNorm.weight"] + head["transform.LayerNorm.bias"]
    logits = x @ double.backbone.embeddings.word_embeddings.weight.detach().numpy().T + head["bias"]
    losses = [math.log(np.exp(row).sum()) - row[piece] for row, piece in zip(logits, ids[where], strict=True)]
    assert len(losses) == 5
    assert value(goal, double).item() == pytest.approx(np.mean(losses), rel=1e-9)


@pytest.mark.parametrize("name", INSIDE)
def test_more_padding_same_loss(name, double):
    student = perturbed(double).double()
    values = [value(objective(name, student, double), student, extra).item() for extra in (0, 7)]
    assert values[0] > 1e-4
    assert values[0] == pytest.approx(values[1], rel=1e-9)


def flat(tensors: list[Tensor], start: Layers) -> Layers:
    """Layers of one layer made of five tensors, for gradcheck."""
    return replace(start, embedding=tensors[0], hidden=[tensors[1]], heads=[Heads(*tensors[2:])])


@pytest.mark.parametrize("name", sorted(WORD_LOSSES))
def test_gradcheck_on_words(name, double):
    """From the states behind [MASK] through the head to the loss."""
    mlm_head, table = random_mlm_head(double), double.backbone.embeddings.word_embeddings.weight.detach()
    generator = torch.Generator().manual_seed(0)
    own, other = (torch.randn(3, 32, generator=generator, dtype=torch.float64) for _ in range(2))
    pieces = torch.tensor([5, 6, 7])
    teacher = MaskedLogits(mlm_head(other, table), pieces)
    assert torch.autograd.gradcheck(
        lambda states: loss(name, MaskedLogits(mlm_head(states, table), pieces), teacher), own.requires_grad_()
    )


@pytest.mark.parametrize("name", sorted(LAYER_LOSSES))
def test_gradcheck(name):
    generator = torch.Generator().manual_seed(0)
    mask = torch.tensor([[1, 1, 1], [1, 1, 0]])

    def some() -> list[Tensor]:
        states = [torch.randn(2, 3, 4, generator=generator, dtype=torch.float64) for _ in range(2)]
        return states + [torch.randn(2, 2, 3, 2, generator=generator, dtype=torch.float64) for _ in range(3)]

    start = Layers(mask, torch.empty(0), [], [])
    teacher = flat(some(), start)
    student = [tensor.requires_grad_() for tensor in some()]
    assert torch.autograd.gradcheck(lambda *tensors: loss(name, flat(list(tensors), start), teacher), student)


@pytest.mark.parametrize("name", INSIDE)
def test_falls_when_a_perturbed_student_trains_on_it_alone(name, tiny_encoder):
    student = perturbed(tiny_encoder)
    for parameter in student.backbone.embeddings.word_embeddings.parameters():
        parameter.data += 0.05 * torch.randn(parameter.shape, generator=torch.Generator().manual_seed(2))
    goal = objective(name, student, tiny_encoder)
    optimiser = torch.optim.Adam(student.parameters(), lr=1e-3)
    values = []
    for _ in range(25):
        now = value(goal, student)
        optimiser.zero_grad()
        now.backward()
        optimiser.step()
        values.append(now.item())
    assert values[-1] < 0.8 * values[0]


def one_layer(embedding, hidden, queries, keys, values, mask=((1, 1),)) -> Layers:
    """One sentence, one layer; heads as [heads, tokens, size]."""
    heads = Heads(*(torch.tensor([part], dtype=torch.float64) for part in (queries, keys, values)))
    states = [torch.tensor([part], dtype=torch.float64) for part in (embedding, hidden)]
    return Layers(torch.tensor(mask), states[0], [states[1]], [heads])


# Two tokens, two dimensions, one head of size 1. The teacher's scores q k are [[0, 0], [0, 0]]: attention is even.
TEACHER = one_layer([[1, 0], [0, 1]], [[1, 0], [0, 2]], [[[0], [0]]], [[[1], [1]]], [[[0], [0]]])
# The student's scores are [[0, ln 3], [0, 0]], its attention [[1/4, 3/4], [1/2, 1/2]], its values' products the same.
STUDENT = one_layer(
    [[1, 2], [0, 1]], [[0, 1], [0, 2]], [[[math.log(3)], [0]]], [[[0], [1]]], [[[0], [math.sqrt(math.log(3))]]]
)
HAND_COMPUTED = {
    "embedding": 4 / 4,  # one cell of four differs, by 2
    "hidden": (1 + 1) / 4,
    "hidden_cosine": (1 + 0) / 2,  # at a right angle, and the same
    "pkd": 2.0,  # [CLS] at a right angle: |(0, 1) - (1, 0)|^2
    "attention_scores": math.log(3) ** 2 / 4,
    "attention_maps": (1 / 16 + 1 / 16) / 2,
    # KL of (1/2, 1/2) from (1/4, 3/4), from (1/2, 1/2)
    "minilm_attention": (0.5 * math.log(2) + 0.5 * math.log(2 / 3)) / 2,
    # values (0, v): v v^T = [[0, 0], [0, ln 3]], so the second token's relations are (1/4, 3/4)
    "minilm_values": (0.5 * math.log(2) + 0.5 * math.log(2 / 3)) / 2,
}


# Two pieces to guess of two. The student gives them (1/4, 3/4) both times, the teacher (1/2, 1/2).
PIECES = torch.tensor([0, 1])
GUESSED = MaskedLogits(torch.tensor([[0, math.log(3)]] * 2), PIECES), MaskedLogits(torch.zeros(2, 2), PIECES)
GUESSES_COMPUTED = {
    "mlm": (math.log(4) + math.log(4 / 3)) / 2,
    # at temperature 2 the student gives (1, sqrt 3) / (1 + sqrt 3); times the temperature's square
    "soft_targets": 4 * (0.5 * math.log((1 + 3**0.5) / 2) + 0.5 * math.log((1 + 3**0.5) / (2 * 3**0.5))),
}


@pytest.mark.parametrize("name", sorted(LAYER_LOSSES))
def test_a_hand_computed_example(name):
    assert loss(name, STUDENT, TEACHER).item() == pytest.approx(HAND_COMPUTED[name])


@pytest.mark.parametrize("name", sorted(WORD_LOSSES))
def test_a_hand_computed_example_of_guesses(name):
    assert loss(name, *GUESSED).item() == pytest.approx(GUESSES_COMPUTED[name])


@pytest.mark.parametrize("name", sorted(WORD_LOSSES))
def test_a_batch_without_a_word_to_guess_costs_nothing(name):
    nothing = MaskedLogits(torch.empty(0, 5), torch.empty(0, dtype=torch.long))
    assert loss(name, nothing, nothing).item() == 0


def test_layer_maps():
    assert teachers_layers(3, 6, "uniform") == [1, 3, 5]
    assert teachers_layers(2, 6, "last") == [4, 5]
    assert teachers_layers(4, 6, "uniform") == [1, 2, 3, 5]
    assert teachers_layers(2, 6, [0, 5]) == [0, 5]
    for wrong in ([0], [0, 6]):
        with pytest.raises(HeadshrinkError, match="one teacher layer"):
            teachers_layers(2, 6, wrong)


def smaller(encoder: SentenceEncoder, how: str) -> SentenceEncoder:
    """The tiny encoder cut in one way."""
    if how == "heads and neurons":
        scores = Scores(torch.arange(8.0).view(2, 4), torch.rand(2, 64))
        return cut(encoder, plan_ratio(scores, 0.25, 0.5, "global"))
    if how == "a layer without heads":
        return cut(encoder, Plan([[], [0, 1]], [[0], [0]]))
    if how == "vocabulary":
        return without_house(encoder)
    if how == "factors":
        return factorise(encoder, 8, torch.ones(len(encoder.tokenizer)))
    return keep_layers(encoder, [1]) if how == "layers" else cut_width(encoder, list(range(0, 32, 2)))


@pytest.mark.parametrize(
    "how", ["heads and neurons", "a layer without heads", "layers", "width", "vocabulary", "factors"]
)
@pytest.mark.parametrize("name", INSIDE)
def test_students_of_other_shapes_have_a_finite_loss_and_gradient(name, how, tiny_encoder):
    student = smaller(tiny_encoder, how)
    goal = objective(name, student, tiny_encoder)
    start = value(goal, student)
    start.backward()
    assert start.isfinite()
    gradients = [p.grad for p in student.parameters() if p.grad is not None]
    assert gradients
    assert all(gradient.isfinite().all() for gradient in gradients)
    assert bool(list(goal.parameters())) == (how == "width")
    assert all(p.grad is None for p in tiny_encoder.parameters())


def test_relation_heads_keep_equal_heads_and_divide_unequal_widths():
    four, three = torch.randn(1, 4, 5, 8), torch.randn(1, 3, 5, 8)
    assert torch.equal(relation_heads(four, four)[0], four)
    one, other = relation_heads(three, four)  # widths 24 and 32: 4 heads divide both
    assert (one.shape, other.shape) == ((1, 4, 5, 6), (1, 4, 5, 8))


def without_house(encoder: SentenceEncoder) -> SentenceEncoder:
    """The encoder without one of its pieces."""
    counts = torch.ones(len(encoder.tokenizer), dtype=torch.long)
    counts[encoder.tokenizer.get_vocab()["house"]] = 0
    return most_frequent(encoder, counts, len(encoder.tokenizer) - 1)


def test_a_teacher_reads_the_pieces_of_a_smaller_vocabulary(tiny_encoder):
    student = without_house(tiny_encoder)
    assert "house" not in student.tokenizer.get_vocab()
    ids = teacher_token_ids(student.tokenizer, tiny_encoder.tokenizer)
    text = "the cat sleeps"
    assert ids[torch.tensor(student.tokenise([text])[0])].tolist() == tiny_encoder.tokenise([text])[0]
    assert teacher_token_ids(tiny_encoder.tokenizer, tiny_encoder.tokenizer) is None
