"""int8: what is quantised and how finely, and the gate that a lossy form must pass."""

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from headshrink.exporting import TARGETS, Limits, Options, Original, Pairs, write_lossy
from headshrink.exporting.gate import agreement, losses
from headshrink.exporting.lossy import sensitivity
from headshrink.exporting.quantise import int8, matrices
from headshrink.exporting.quantise._matrices import TABLE, to_int8
from headshrink.exporting.quantise.int4 import BLOCK, packed, to_uint4

EN = ["the man sees a dog", "a cat sleeps", "the big house", "a dog in the house", "the man sleeps", "cat", "a big dog"]
RU = ["собака видит дом", "кошка спит", "большой дом", "собака в дом", "спит", "кошка", "большой собака"]
ANYTHING = Limits(min_cosine=0, max_retrieval_loss=1, min_rank=0)


def constants(folder) -> dict[str, np.ndarray]:
    graph = onnx.load(folder / "model.onnx").graph
    return {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}


@pytest.mark.parametrize(("bound", "axis"), [(127, 1), (64, 0)])
def test_quantisation_is_off_by_half_a_step_at_most(bound, axis):
    weights = np.random.default_rng(0).normal(size=(40, 30)).astype(np.float32)
    weights[3], weights[:, 4] = 0, 0  # lines of zeros have no scale of their own
    small, scale = to_int8(weights, bound, axis)
    assert small.dtype == np.int8
    assert np.abs(small.astype(int)).max() == bound
    assert (np.abs(small * scale - weights) <= scale / 2 * 1.0001).all()


def test_every_matrix_is_int8_and_within_the_reduced_range(exported):
    _, folder = exported
    before, after = constants(folder / "onnx"), constants(folder / "onnx_int8")
    matrices = [name for name, array in before.items() if array.ndim == 2 and array.dtype == np.float32]
    small = {name: array for name, array in after.items() if array.dtype == np.int8 and array.ndim == 2}
    assert len(small) == 2 * 6 + 1  # six linear layers in each of two layers, and the embedding table
    assert len(matrices) == len(small) + 2  # the position and segment tables stay
    assert max(np.abs(array.astype(int)).max() for name, array in small.items() if name != "table_int8") == 64


def test_full_range_is_there_for_processors_that_can(exported):
    model = int8(onnx.load(exported[1] / "onnx" / "model.onnx"), reduce_range=False)
    arrays = [numpy_helper.to_array(tensor) for tensor in model.graph.initializer if tensor.name.endswith("_int8")]
    assert {np.abs(array.astype(int)).max() for array in arrays} == {127}


def test_int8_has_the_same_bytes_each_time(exported):
    _, folder = exported
    again = int8(onnx.load(folder / "onnx" / "model.onnx"), Options().reduce_range)
    assert again.SerializeToString() == onnx.load(folder / "onnx_int8" / "model.onnx").SerializeToString()


@pytest.fixture
def model(exported) -> Original:
    return Original(exported[0])


@pytest.fixture
def pairs(exported) -> Pairs:
    return Pairs(EN, RU, (exported[0].encode(EN), exported[0].encode(RU)))


def test_int8_stays_close_to_the_model(model, pairs, tmp_path):
    outcome = write_lossy(TARGETS["onnx_int8"], model, tmp_path / "int8", Options(), pairs, ANYTHING)
    assert 0.98 < outcome.found.cosine < 1
    assert outcome.found.rank > 0.9
    assert not outcome.kept
    assert (tmp_path / "int8" / "model.onnx").is_file()


def test_every_matrix_has_a_name_and_a_sensitivity(model):
    loss = sensitivity(TARGETS["onnx_int8"], model, Options(), EN)
    assert list(loss) == matrices(model.graph())
    assert list(loss)[:2] == [TABLE, "layer.0.attention.self.query"]
    assert len(loss) == 2 * 6 + 1
    assert all(value > 0 for value in loss.values())


def test_a_form_that_fails_its_gate_is_repaired_in_as_few_matrices_as_it_takes(model, pairs, tmp_path):
    target = TARGETS["onnx_int4"]
    plain = write_lossy(target, model, tmp_path / "plain", Options(), pairs, ANYTHING)
    limits = Limits(plain.found.cosine + 1e-4, 1, 0)
    repaired = write_lossy(target, model, tmp_path / "repaired", Options(), pairs, limits)
    assert not repaired.refused
    assert repaired.found.cosine >= limits.min_cosine
    loss = sensitivity(target, model, Options(), [*EN, *RU])
    assert set(repaired.kept) == set(sorted(loss, key=lambda name: -loss[name])[: len(repaired.kept)])
    assert (tmp_path / "repaired" / "model.onnx").stat().st_size > (tmp_path / "plain" / "model.onnx").stat().st_size


def test_a_form_that_cannot_be_repaired_is_left_out_with_its_figures(model, pairs, tmp_path):
    outcome = write_lossy(TARGETS["onnx_int8"], model, tmp_path / "int8", Options(), pairs, Limits(1, 1, 0))
    assert outcome.refused == f"cosine {outcome.found.cosine:.4f} (at least 1 is needed)"
    assert not (tmp_path / "int8").exists()
    assert outcome.as_json()["refused"] == outcome.refused


def test_4_bits_are_off_by_half_a_step_at_most_and_hold_zero():
    rows = np.random.default_rng(0).normal(size=(6, BLOCK + 5)).astype(np.float32)
    rows[2] = 0  # a block without a scale
    rows[3] = np.abs(rows[3]) + 1  # zero is a level of a block of one sign too
    values, scale, offset = to_uint4(rows)
    assert values.max() == 15
    found = ((values.astype(int) - offset[..., None]) * scale[..., None]).reshape(len(rows), -1)
    assert (np.abs(found[:, : rows.shape[1]] - rows) <= np.repeat(scale, BLOCK, 1)[:, : rows.shape[1]] * 1.01).all()
    assert (found[:, rows.shape[1] :] == 0).all()
    assert np.array_equal(packed(np.array([[1, 2, 3]], np.uint8)), [[0x21, 0x03]])


def test_a_model_agrees_with_itself_and_not_with_noise():
    rng = np.random.default_rng(0)
    en = rng.normal(size=(50, 16))
    ru = en + 0.1 * rng.normal(size=(50, 16))
    same = agreement((en, ru), (en, ru))
    assert same.cosine == pytest.approx(1)
    assert same.retrieval_loss == 0
    assert same.rank == pytest.approx(1)
    noise = agreement((rng.normal(size=(50, 16)), rng.normal(size=(50, 16))), (en, ru))
    assert abs(noise.cosine) < 0.2
    assert noise.retrieval_loss > 0.8
    assert abs(noise.rank) < 0.2


def test_retrieval_sees_what_the_cosine_does_not():
    """Swapping two near-identical sentences moves no embedding far and loses both translations."""
    en = np.eye(4) + 1.0
    en[1] = en[0] + [0.01, -0.01, 0, 0]
    form = en[[1, 0, 2, 3]]
    found = agreement((form, en), (en, en))
    assert found.cosine > 0.999
    assert found.retrieval_loss == 0.5


@pytest.mark.parametrize("limits", [Limits(0.9, 1, 0), Limits(0, 0.1, 0), Limits(0, 1, 0.9)])
def test_each_limit_refuses_alone(limits):
    rng = np.random.default_rng(0)
    vectors = {text: rng.normal(size=8) for text in EN}

    def model(texts):
        return np.array([vectors[text] for text in texts])

    def noise(texts):
        return rng.normal(size=(len(texts), 8))

    same = (model(EN), model(EN))
    assert losses(agreement((noise(EN), noise(EN)), same), limits)
    assert not losses(agreement(same, same), limits)
