"""Static int8 against dynamic: whether ranges of activations known in advance make a model faster or closer to fp32.

    python benchmarks/static_int8.py MODEL --pairs PAIRS.tsv [--calibration 64] [--rounds 150]

PAIRS.tsv: English, tab, Russian. The last pairs calibrate, on the first ones (--gate) the gate's figures are taken.
Times on one thread, in turns: static over dynamic, the median with its 95% interval; below 1 static is faster.
"""

import argparse
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from onnx import NodeProto, TensorProto, helper

from headshrink.benchmark.machine import describe
from headshrink.benchmark.read import read_pairs
from headshrink.benchmark.timing import Setting, alternate
from headshrink.export import Original
from headshrink.export.gate import agreement
from headshrink.export.graph_encoder import INPUTS, Run, padded
from headshrink.export.onnx_encoder import open_session
from headshrink.export.quantise import int8
from headshrink.export.quantise._matrices import TABLE, Constants, add, exchange, matrix_name, to_int8
from headshrink.export.quantise.int8 import REDUCED_RANGE, table
from headshrink.model import load_encoder
from headshrink.speed.rows import embeddings, seconds

BATCH = 16
LEVELS = 255  # between the smallest and the largest uint8
SETTINGS = [Setting(1, 8, 1), Setting(1, 32, 1), Setting(1, 128, 1), Setting(32, 32, 1)]

Ranges = Mapping[str, tuple[float, float]]  # smallest and largest input of a linear layer, by the value's name


def static_int8(model: onnx.ModelProto, ids: Sequence[Sequence[int]]) -> onnx.ModelProto:
    """As `int8`, but for the scale of each linear layer's input: a constant, from calibration texts as token ids."""
    ranges = calibrate(model, ids)
    model.opset_import.append(helper.make_opsetid("com.microsoft", 1))
    return exchange(model, partial(linear, ranges=ranges), table)


def calibrate(model: onnx.ModelProto, ids: Sequence[Sequence[int]]) -> Ranges:
    """The range of every linear layer's input over texts; zero is always within."""
    constants = {tensor.name for tensor in model.graph.initializer}
    nodes = [node for node in model.graph.node if matrix_name(node, constants) not in (None, TABLE)]
    names = list(dict.fromkeys(node.input[0] for node in nodes))
    shown = onnx.ModelProto()
    shown.CopyFrom(model)
    shown.graph.output.extend(helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in names)
    session = onnxruntime.InferenceSession(shown.SerializeToString(), providers=["CPUExecutionProvider"])
    low, high = np.zeros(len(names)), np.zeros(len(names))
    for start in range(0, len(ids), BATCH):
        found = session.run(names, dict(zip(INPUTS, padded(ids[start : start + BATCH], 0), strict=True)))
        low = np.minimum(low, [values.min() for values in found])
        high = np.maximum(high, [values.max() for values in found])
    return dict(zip(names, zip(low.tolist(), high.tolist(), strict=True), strict=True))


def linear(node: NodeProto, weights: np.ndarray, constants: Constants, ranges: Ranges) -> list[NodeProto]:
    """x @ W as integers; layers that share x share its bytes too, once onnxruntime has merged them."""
    x, name = node.input[0], node.name
    low, high = ranges[x]
    x_scale = np.float32((high - low) / LEVELS or 1)
    x_zero = np.uint8(np.clip(np.rint(-low / x_scale), 0, LEVELS))
    small, scale = to_int8(weights, REDUCED_RANGE, axis=0)
    add(constants, {f"{x}_scale": np.array(x_scale), f"{x}_zero": np.array(x_zero)})
    add(constants, {f"{name}_int8": small, f"{name}_scale": scale[0], f"{name}_zero": np.zeros(len(scale[0]), np.int8)})
    inputs = [f"{name}_x", f"{name}_int8", f"{x}_scale", f"{name}_scale", f"{x}_zero", f"{name}_zero"]
    return [
        helper.make_node("QuantizeLinear", [x, f"{x}_scale", f"{x}_zero"], [f"{name}_x"]),
        helper.make_node("MatMulIntegerToFloat", inputs, [node.output[0]], name=name, domain="com.microsoft"),
    ]


def runner(graph: onnx.ModelProto) -> Run:
    session = open_session(graph.SerializeToString(), threads=1)
    return lambda ids, mask: session.run(None, dict(zip(INPUTS, (ids, mask), strict=True)))[0]


def embed(run: Run, ids: Sequence[Sequence[int]]) -> np.ndarray:
    return embeddings(run, [padded(ids[start : start + BATCH], 0) for start in range(0, len(ids), BATCH)])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("--pairs", type=Path, required=True)
    parser.add_argument("--calibration", type=int, default=64, help="pairs")
    parser.add_argument("--gate", type=int, default=100, help="pairs")
    parser.add_argument("--rounds", type=int, default=150)
    options = parser.parse_args()
    original = Original(load_encoder(options.model))
    en, ru = (original.encoder.tokenise(side) for side in read_pairs(options.pairs))
    calibration = [*en[-options.calibration :], *ru[-options.calibration :]]
    graphs = {"dynamic": int8(original.graph()), "static": static_int8(original.graph(), calibration)}
    runs = {name: runner(graph) for name, graph in graphs.items()}
    sides, exact = (en[: options.gate], ru[: options.gate]), runner(original.graph())
    expected = embed(exact, sides[0]), embed(exact, sides[1])
    place = describe()
    print(f"{place['cpu']}, {place['instruction_set']}")
    for name, run in runs.items():
        print(f"{name}: {agreement((embed(run, sides[0]), embed(run, sides[1])), expected)}")
    for setting in SETTINGS:
        ids = np.random.default_rng(0).integers(5, 50, (setting.batch, setting.tokens))
        calls = {name: partial(seconds, run, ids) for name, run in runs.items()}
        timings = alternate(calls, "dynamic", options.rounds, limit_s=20)
        ratio, low, high = timings.ratio("static", "dynamic")
        best = min(timings.seconds["static"]) / min(timings.seconds["dynamic"])
        interval = f"{ratio:.3f} ({low:.3f}-{high:.3f})"
        print(f"{setting.name}: static / dynamic {interval}, of the fastest calls {best:.3f}", flush=True)


if __name__ == "__main__":
    main()
