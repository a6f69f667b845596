"""int8: what is quantised and how finely, and the gate that a lossy form must pass."""

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from headshrink.errors import HeadshrinkError
from headshrink.export import Limits, check_quality
from headshrink.export.gate import agreement
from headshrink.export.onnx_encoder import OnnxEncoder
from headshrink.export.quantise import quantise, to_int8

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
    model = quantise(onnx.load(exported[1] / "onnx" / "model.onnx"), reduce_range=False)
    arrays = [numpy_helper.to_array(tensor) for tensor in model.graph.initializer if tensor.name.endswith("_int8")]
    assert {np.abs(array.astype(int)).max() for array in arrays} == {127}


def test_int8_has_the_same_bytes_each_time(exported):
    _, folder = exported
    again = quantise(onnx.load(folder / "onnx" / "model.onnx"))
    assert again.SerializeToString() == onnx.load(folder / "onnx_int8" / "model.onnx").SerializeToString()


def test_int8_stays_close_to_the_model_and_the_gate_knows_how_close(exported):
    encoder, folder = exported
    embed = OnnxEncoder(folder / "onnx_int8").encode
    found = check_quality("onnx_int8", embed, EN, RU, encoder.encode, ANYTHING)
    assert 0.98 < found.cosine < 1
    assert found.rank > 0.9
    with pytest.raises(HeadshrinkError, match=rf"onnx_int8 loses too much .* cosine {found.cosine:.4f} \(at least 1"):
        check_quality("onnx_int8", embed, EN, RU, encoder.encode, Limits(1, 1, 0))


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

    with pytest.raises(HeadshrinkError, match="loses too much"):
        check_quality("noise", noise, EN, EN, model, limits)
    check_quality("model", model, EN, EN, model, limits)
