"""A graph from elsewhere is embedded with rightly, or refused in one line by every command."""

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from headshrink.benchmarking.models import OnnxModel
from headshrink.errors import HeadshrinkError
from headshrink.exporting.onnx_encoder import OnnxEncoder
from headshrink.model import SentenceEncoder

TABLE = np.random.default_rng(0).normal(size=(200, 4)).astype(np.float32)
INPUTS = ("input_ids", "attention_mask", "token_type_ids")


def write_graph(encoder: SentenceEncoder, folder: Path, inputs=INPUTS, pooled=True, rows=200, kind=TensorProto.INT64,
                output="sentence_embedding", shape=("batch", "tokens")) -> Path:  # fmt: skip
    """A graph that gives a table's rows, or their mean over all tokens where it is `pooled`."""
    encoder.tokenizer.save_pretrained(folder)
    takes = [helper.make_tensor_value_info(name, kind, shape) for name in inputs]
    nodes = [helper.make_node("Gather", ["table", "input_ids"], ["rows"])]
    nodes.append(
        helper.make_node("ReduceMean", ["rows"], [output], axes=[1], keepdims=0)
        if pooled
        else helper.make_node("Identity", ["rows"], [output])
    )
    gives = helper.make_tensor_value_info(output, TensorProto.FLOAT, ["batch", "width"] if pooled else [*shape, 4])
    graph = helper.make_graph(nodes, "graph", takes, [gives], [numpy_helper.from_array(TABLE[:rows], "table")])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.save(model, folder / "model.onnx")
    return folder


@pytest.mark.parametrize("kind", [TensorProto.INT64, TensorProto.INT32])
@pytest.mark.parametrize("inputs", [INPUTS[:2], INPUTS])
@pytest.mark.parametrize("output", ["sentence_embedding", "other"])
def test_a_pooled_graph_is_embedded_with(tiny_encoder, tmp_path, kind, inputs, output):
    folder = write_graph(tiny_encoder, tmp_path / "graph", inputs, kind=kind, output=output)
    ids = tiny_encoder.tokenizer("the cat sleeps")["input_ids"]
    expected = TABLE[ids].mean(0)
    encoder = OnnxEncoder(folder)
    assert encoder.dimension == 4
    assert np.allclose(encoder.encode(["the cat sleeps"])[0], expected, atol=1e-6)
    assert np.allclose(OnnxModel("graph", folder).pooled([ids])["own"][0], expected, atol=1e-6)


@pytest.mark.parametrize("opened", [OnnxEncoder, lambda folder: OnnxModel("graph", folder)])
@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"pooled": False, "output": "last_hidden_state"}, "gives last_hidden_state .*: sentence_embedding"),
        ({"pooled": False}, "gives sentence_embedding .*: sentence_embedding"),
        ({"inputs": (*INPUTS, "position_ids")}, "takes .*position_ids"),
        ({"inputs": INPUTS[:1]}, "takes input_ids"),
        ({"kind": TensorProto.INT64, "shape": (1, 8)}, r"takes .*\[1, 8\]"),
    ],
)
def test_another_graph_is_refused_in_one_line(tiny_encoder, tmp_path, opened, changes, message):
    folder = write_graph(tiny_encoder, tmp_path / "graph", **changes)
    with pytest.raises(HeadshrinkError, match=message) as caught:
        opened(folder)
    assert "\n" not in str(caught.value)


def test_ids_beyond_the_table_are_one_line(tiny_encoder, tmp_path):
    encoder = OnnxEncoder(write_graph(tiny_encoder, tmp_path / "graph", rows=3))
    with pytest.raises(HeadshrinkError, match=r"model\.onnx fails .*: a graph and tokenizer of one model") as caught:
        encoder.encode(["the cat"])
    assert "\n" not in str(caught.value)
