"""Losses on layers: zero at the teacher, blind to padding, equal to their papers' formulae; layers put side by side."""

import copy
import math
from dataclasses import replace

import pytest
import torch
from tiny_training import perturbed
from torch import Tensor, nn

from headshrink.distill.layers import Alignment, Heads, Layers, head_sizes, recorded, same_pieces, teachers_layers
from headshrink.distill.losses import LAYER_LOSSES, Outputs
from headshrink.distill.losses._tokens import relation_heads
from headshrink.errors import HeadshrinkError
from headshrink.importance.scores import Scores
from headshrink.model import SentenceEncoder, pad_ids
from headshrink.prune import Plan, cut, plan_ratio
from headshrink.prune.layers import keep_layers
from headshrink.prune.vocabulary import cut_vocabulary
from headshrink.prune.width import cut_width

TEXTS = ["the man runs", "a cat", "мужчина бежит в дом", "кошка"]


def layers(encoder: SentenceEncoder, extra: int = 0) -> Layers:
    """What an encoder computes on TEXTS, padded by some more columns."""
    ids, mask = pad_ids(encoder.tokenise(TEXTS), encoder.tokenizer.pad_token_id)
    ids, mask = (nn.functional.pad(block, (0, extra)) for block in (ids, mask))
    with recorded(encoder.backbone) as recording:
        encoder(ids, mask)
    return recording.layers(mask, head_sizes(encoder.backbone))


def loss(name: str, student: Layers, teacher: Layers) -> Tensor:
    nothing = torch.empty(2, 0)
    return LAYER_LOSSES[name](Outputs(nothing, nothing, layers=student), Outputs(nothing, nothing, layers=teacher))


@pytest.fixture
def double(tiny_encoder: SentenceEncoder) -> SentenceEncoder:
    return tiny_encoder.double()


@pytest.mark.parametrize("name", LAYER_LOSSES)
def test_zero_with_zero_gradient_at_the_teacher(name, double):
    student = copy.deepcopy(double)
    aligned = Alignment(student.backbone, double.backbone)(layers(student), layers(double))
    value = loss(name, *aligned)
    value.backward()
    assert abs(value.item()) < 1e-12
    assert max(p.grad.abs().max() for p in student.parameters() if p.grad is not None) < 1e-7


@pytest.mark.parametrize("name", LAYER_LOSSES)
def test_more_padding_same_loss(name, double):
    student = perturbed(double).double()
    values = [loss(name, layers(student, extra), layers(double, extra)).item() for extra in (0, 7)]
    assert values[0] > 1e-4
    assert values[0] == pytest.approx(values[1], rel=1e-9)


def flat(tensors: list[Tensor], start: Layers) -> Layers:
    """Layers of one layer made of five tensors, for gradcheck."""
    return replace(start, embedding=tensors[0], hidden=[tensors[1]], heads=[Heads(*tensors[2:])])


@pytest.mark.parametrize("name", LAYER_LOSSES)
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


@pytest.mark.parametrize("name", LAYER_LOSSES)
def test_falls_when_a_perturbed_student_trains_on_it_alone(name, tiny_encoder):
    student = perturbed(tiny_encoder)
    for parameter in student.backbone.embeddings.word_embeddings.parameters():
        parameter.data += 0.05 * torch.randn(parameter.shape, generator=torch.Generator().manual_seed(2))
    with torch.no_grad():
        teacher = layers(tiny_encoder)
    optimiser = torch.optim.Adam(student.parameters(), lr=1e-3)
    values = []
    for _ in range(25):
        value = loss(name, layers(student), teacher)
        optimiser.zero_grad()
        value.backward()
        optimiser.step()
        values.append(value.item())
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


@pytest.mark.parametrize("name", LAYER_LOSSES)
def test_a_hand_computed_example(name):
    assert loss(name, STUDENT, TEACHER).item() == pytest.approx(HAND_COMPUTED[name])


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
    return keep_layers(encoder, [1]) if how == "layers" else cut_width(encoder, list(range(0, 32, 2)))


@pytest.mark.parametrize("how", ["heads and neurons", "a layer without heads", "layers", "width"])
@pytest.mark.parametrize("name", LAYER_LOSSES)
def test_students_of_other_shapes_have_a_finite_loss_and_gradient(name, how, tiny_encoder):
    student = smaller(tiny_encoder, how)
    alignment = Alignment(student.backbone, tiny_encoder.backbone)
    value = loss(name, *alignment(layers(student), layers(tiny_encoder)))
    value.backward()
    assert value.isfinite()
    gradients = [p.grad for p in student.parameters() if p.grad is not None]
    assert gradients
    assert all(gradient.isfinite().all() for gradient in gradients)
    assert bool(list(alignment.parameters())) == (how == "width")


def test_relation_heads_keep_equal_heads_and_divide_unequal_widths():
    four, three = torch.randn(1, 4, 5, 8), torch.randn(1, 3, 5, 8)
    assert torch.equal(relation_heads(four, four)[0], four)
    one, other = relation_heads(three, four)  # widths 24 and 32: 4 heads divide both
    assert (one.shape, other.shape) == ((1, 4, 5, 6), (1, 4, 5, 8))


def test_a_teacher_reads_the_pieces_of_a_smaller_vocabulary(tiny_encoder):
    keep = [token for token in tiny_encoder.tokenizer.get_vocab() if token != "house"]
    keep.sort(key=tiny_encoder.tokenizer.get_vocab().__getitem__)
    student = cut_vocabulary(tiny_encoder, keep)
    ids = same_pieces(student.tokenizer, tiny_encoder.tokenizer)
    text = "the cat sleeps"
    assert ids[torch.tensor(student.tokenise([text])[0])].tolist() == tiny_encoder.tokenise([text])[0]
    assert same_pieces(tiny_encoder.tokenizer, tiny_encoder.tokenizer) is None
