"""Students by kind: of the teacher's dimension, reloadable, trainable, and what their papers say they are."""

import copy
import re
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import torch
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from headshrink.benchmarking import size
from headshrink.data.table import SentenceTable
from headshrink.distillation.layers import recorded
from headshrink.distillation.recipe import Recipe
from headshrink.distillation.students import STUDENTS, Origin, StudentShape
from headshrink.distillation.students.static import SIF, piece_vectors
from headshrink.distillation.text import text_of
from headshrink.distillation.trainer import train as train_student
from headshrink.distillation.training_data import TrainingData
from headshrink.errors import HeadshrinkError
from headshrink.exporting import TARGETS, Options, Original
from headshrink.model import SentenceEncoder, load_encoder, save_encoder
from headshrink.padding import padded
from headshrink.pruning import Plan, cut
from headshrink.pruning.layers import first_to_last
from headshrink.trimming.token_counts import count_tokens

SHAPE = StudentShape(layers=1, hidden=16, heads=4, ffn=24, rank=8)
SHAPES = [(kind, SHAPE) for kind in STUDENTS] + [
    ("static", replace(SHAPE, rank=None)),
    ("every_kth_layer", replace(SHAPE, rank=None)),
    ("narrow", replace(SHAPE, hidden=32, rank=None)),
    ("narrow", replace(SHAPE, layers=3, share_layers=True)),
    ("bilstm", replace(SHAPE, layers=2, rank=None)),
]
TEXTS = ["the man runs", "кошка спит", "a big cat sleeps in the house"]


@pytest.fixture
def origin(tiny_encoder: SentenceEncoder, student: SentenceEncoder, train: SentenceTable) -> Origin:
    counts = count_tokens(train.tokens.blocks(), len(tiny_encoder.tokenizer))
    return Origin(tiny_encoder, student, counts, partial(text_of, tiny_encoder, train))


@pytest.mark.parametrize(("kind", "shape"), SHAPES)
def test_saved_and_reloaded_it_is_the_same(kind, shape, origin, tmp_path):
    built = STUDENTS[kind](origin, shape)
    save_encoder(built, tmp_path / "student")
    assert built.dimension == origin.teacher.dimension
    np.testing.assert_array_equal(load_encoder(tmp_path / "student").encode(TEXTS), built.encode(TEXTS))


@pytest.mark.parametrize(("kind", "shape"), SHAPES)
def test_training_brings_it_nearer_to_the_teacher(kind, shape, origin, train, heldout):
    built = STUDENTS[kind](origin, shape)
    recipe = Recipe({"cosine": 1.0}, epochs=8, batch_size=8, learning_rate=5e-3, evaluations=4, precision="fp32")
    result = train_student(built, TrainingData(train, heldout), recipe)
    assert result.best.cosine > result.before.cosine + 0.01


def with_spare_rows(encoder: SentenceEncoder, rows: int = 2) -> SentenceEncoder:
    """A table with more rows than the tokenizer has tokens, as where a size is rounded up to a multiple of eight."""
    padded_up = copy.deepcopy(encoder)
    table = padded_up.backbone.embeddings.word_embeddings
    table.weight = torch.nn.Parameter(torch.cat([table.weight, torch.zeros(rows, table.embedding_dim)]))
    table.num_embeddings = padded_up.backbone.config.vocab_size = len(table.weight)
    return padded_up


@pytest.mark.parametrize("kind", STUDENTS)
def test_rows_without_a_token_change_no_student(kind, origin, tmp_path):
    spare = replace(origin, teacher=with_spare_rows(origin.teacher), pruned=with_spare_rows(origin.pruned))
    counts = count_tokens([[5, 6]], spare.teacher.backbone.config.vocab_size)
    built, expected = (
        STUDENTS[kind](each, SHAPE) for each in (replace(spare, counts=counts), replace(origin, counts=counts[:-2]))
    )
    np.testing.assert_allclose(built.encode(TEXTS), expected.encode(TEXTS), atol=1e-5)
    save_encoder(built, tmp_path / "student")
    np.testing.assert_array_equal(load_encoder(tmp_path / "student").encode(TEXTS), built.encode(TEXTS))


@pytest.mark.parametrize("kind", ["static", "bilstm", "narrow"])
def test_students_of_other_kinds_export_like_any_other(kind, origin, tmp_path):
    """Any number of sentences of any length, padded or not, in one graph."""
    built = STUDENTS[kind](origin, replace(SHAPE, layers=2, share_layers=True))
    for name in ("onnx", "transformers"):
        TARGETS[name].write(Original(built), tmp_path / name, Options())
        embed = TARGETS[name].open(tmp_path / name)
        np.testing.assert_allclose(embed(TEXTS), built.encode(TEXTS), atol=1e-5)
        for text in TEXTS:
            np.testing.assert_allclose(embed([text]), built.encode([text]), atol=1e-5)


def test_padding_changes_nothing_that_a_bilstm_says(origin):
    built = STUDENTS["bilstm"](origin, replace(SHAPE, layers=2))
    together = built.encode(TEXTS)
    np.testing.assert_allclose(together, np.concatenate([built.encode([text]) for text in TEXTS]), atol=1e-6)
    assert np.abs(built.encode(["the cat sees the man"]) - built.encode(["the man sees the cat"])).max() > 1e-4
    with pytest.raises(HeadshrinkError, match=r"student\.hidden = 15: two directions share it"):
        STUDENTS["bilstm"](origin, replace(SHAPE, hidden=15))


def test_a_bilstm_is_what_torchs_own_is_on_a_packed_sequence(origin):
    built = STUDENTS["bilstm"](origin, SHAPE)
    ids, mask = map(torch.from_numpy, padded(built.tokenise(TEXTS), 0))
    layer = built.backbone.encoder.lstms[0]
    reference = torch.nn.LSTM(16, 8, batch_first=True, bidirectional=True)
    right = {f"{name}_reverse": value for name, value in layer.from_right.state_dict().items()}
    reference.load_state_dict(layer.from_left.state_dict() | right)
    words = built.backbone.embeddings(ids)
    packed = pack_padded_sequence(words, mask.sum(1), batch_first=True, enforce_sorted=False)
    expected, _ = pad_packed_sequence(reference(packed)[0], batch_first=True)
    found = built.backbone(ids, mask).last_hidden_state * mask[..., None]
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-6)


def test_shared_layers_are_one_layer_run_several_times(origin, train):
    shared = STUDENTS["narrow"](origin, replace(SHAPE, layers=3, share_layers=True))
    one = STUDENTS["narrow"](origin, replace(SHAPE, layers=1))
    assert size.parameters(shared) == size.parameters(one)
    assert size.flops(shared, 8) > 2 * size.flops(one, 8)
    unshared = STUDENTS["narrow"](origin, replace(SHAPE, layers=3))
    weights = shared.state_dict()
    names = {name: re.sub(r"layer\.\d", "layer.0", name) for name in unshared.state_dict()}
    unshared.load_state_dict({name: weights[first] for name, first in names.items()})
    np.testing.assert_allclose(unshared.encode(TEXTS), shared.encode(TEXTS), atol=1e-6)
    ids, mask = map(torch.from_numpy, padded(shared.tokenise(TEXTS), 0))
    with recorded(shared.backbone) as ours, recorded(unshared.backbone) as theirs:
        shared(ids, mask), unshared(ids, mask)
    for found, expected in zip(*(r.layers(mask, [4, 4, 4]).hidden for r in (ours, theirs)), strict=True):
        torch.testing.assert_close(found, expected)
    assert ours.parts.keys() == theirs.parts.keys()
    with pytest.raises(HeadshrinkError, match="share their weights"):
        cut(shared, Plan([[0]] * 3, [[0]] * 3))


def test_all_the_teachers_layers_are_the_teacher(origin):
    everything = STUDENTS["every_kth_layer"](origin, replace(SHAPE, layers=2, rank=None))
    np.testing.assert_array_equal(everything.encode(TEXTS), origin.teacher.encode(TEXTS))
    over_a_product = STUDENTS["every_kth_layer"](origin, replace(SHAPE, layers=2))
    assert over_a_product.backbone.config.embedding_rank == SHAPE.rank
    layers = (model.backbone.encoder.state_dict() for model in (over_a_product, origin.teacher))
    assert all(torch.equal(ours, theirs) for ours, theirs in zip(*(each.values() for each in layers), strict=True))
    with pytest.raises(HeadshrinkError, match=r"student\.layers = 3: the teacher has 2"):
        STUDENTS["every_kth_layer"](origin, replace(SHAPE, layers=3))


def test_narrow_follows_its_seed_and_leaves_randomness_alone(origin):
    torch.manual_seed(3)
    expected = torch.rand(1)
    torch.manual_seed(3)
    one, two, other = (STUDENTS["narrow"](origin, replace(SHAPE, seed=seed)).encode(TEXTS) for seed in (0, 0, 1))
    assert torch.equal(torch.rand(1), expected)
    np.testing.assert_array_equal(one, two)
    assert not np.allclose(one, other)
    with pytest.raises(HeadshrinkError, match="multiple of"):
        STUDENTS["narrow"](origin, replace(SHAPE, hidden=18))


def test_static_is_the_weighted_mean_of_what_the_teacher_makes_of_each_piece(origin):
    built = STUDENTS["static"](origin, replace(SHAPE, rank=None))
    vectors, share = piece_vectors(origin.teacher), origin.counts / origin.counts.sum()
    (ids,) = origin.teacher.tokenise(["the man runs"])
    total = sum(SIF / (SIF + share[i]) * vectors[i] for i in ids[1:-1])
    np.testing.assert_allclose(built.encode(["the man runs"])[0], total / total.norm(), atol=1e-6)
    np.testing.assert_allclose(built.encode(["runs man the"]), built.encode(["the man runs"]), atol=1e-6)


def test_principal_directions_lose_little_of_a_static_student(origin):
    whole, most, few = (STUDENTS["static"](origin, replace(SHAPE, rank=rank)).encode(TEXTS) for rank in (None, 24, 2))
    assert (whole * most).sum(1).mean() > 0.95
    assert (whole * few).sum(1).mean() < (whole * most).sum(1).mean()


def test_a_thin_student_has_the_shape_asked_for_and_no_more_than_its_teacher(origin):
    built = STUDENTS["thin"](origin, replace(SHAPE, layers=2, heads=1, ffn=16))
    config = built.backbone.config
    assert (config.heads_per_layer, config.ffn_per_layer, config.embedding_rank) == ([1, 1], [16, 16], 8)
    with pytest.raises(HeadshrinkError, match=r"student\.heads = 5: the teacher has 4"):
        STUDENTS["thin"](origin, replace(SHAPE, heads=5))
    assert [first_to_last(6, count) for count in (1, 2, 3, 6)] == [[0], [0, 5], [0, 2, 5], [0, 1, 2, 3, 4, 5]]
