"""A graph's weights in a file of their own must be in the graph's folder: onnxruntime refuses others, in one line."""

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from headshrink.errors import HeadshrinkError
from headshrink.graph import open_session

WEIGHTS = np.arange(4, dtype=np.float32)


@pytest.fixture
def folder(tmp_path) -> Path:
    """An empty model folder; beside it, and by a link in it, what it must not reach."""
    (tmp_path / "model" / "sub").mkdir(parents=True)
    WEIGHTS.tofile(tmp_path / "secret")
    WEIGHTS.tofile(tmp_path / "model" / "weights")
    (tmp_path / "model" / "link").symlink_to(tmp_path / "secret")
    return tmp_path / "model"


def graph_with_data_at(location: str, folder: Path) -> Path:
    weights = TensorProto(name="w", data_type=TensorProto.FLOAT, dims=[4], data_location=TensorProto.EXTERNAL)
    for key, value in {"location": location, "offset": "0", "length": "16"}.items():
        weights.external_data.add(key=key, value=value)
    x, y = (helper.make_tensor_value_info(name, TensorProto.FLOAT, [4]) for name in "xy")
    graph = helper.make_graph([helper.make_node("Add", ["x", "w"], ["y"])], "graph", [x], [y], [weights])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    (folder / "model.onnx").write_bytes(model.SerializeToString())
    assert onnx.load(folder / "model.onnx", load_external_data=False).graph.name == "graph"
    return folder / "model.onnx"


def test_data_in_the_folder_are_read(folder):
    session = open_session(graph_with_data_at("weights", folder), threads=1)
    assert np.array_equal(session.run(None, {"x": np.zeros(4, np.float32)})[0], WEIGHTS)


@pytest.mark.parametrize("location", ["../secret", "sub/../../secret", "link", "/etc/passwd"])
def test_data_outside_of_the_folder_are_refused_in_one_line(folder, location):
    with pytest.raises(HeadshrinkError, match="cannot open") as caught:
        open_session(graph_with_data_at(location, folder), threads=1)
    assert "\n" not in str(caught.value)
