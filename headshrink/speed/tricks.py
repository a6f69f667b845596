"""Ways of running one model on the CPU, by name."""

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from headshrink.errors import HeadshrinkError
from headshrink.export import TARGETS, Options, Original
from headshrink.model.compiled import no_compiler

Run = Callable[[np.ndarray, np.ndarray], np.ndarray]  # ids, mask: int64 [batch, tokens] -> float32 [batch, dimension]
Start = Callable[[Original, Path, int], Run]  # model, an empty folder of the trick's own, threads
ONNX_LEVELS = {"none": "DISABLE_ALL", "basic": "ENABLE_BASIC", "extended": "ENABLE_EXTENDED", "all": "ENABLE_ALL"}


@dataclass(frozen=True)
class Trick:
    """One way. `start` readies a model to be run on so many threads; `missing` says why it cannot here, if so."""

    title: str
    start: Start
    missing: Callable[[], str] = lambda: ""


def torch_run(model: Original, folder: Path, threads: int, bf16: bool = False, compiled: bool = False) -> Run:
    """The model in torch: eager or compiled, matrix products in fp32 or, by autocast, in bf16."""
    encoder: Any = torch.compile(model.encoder, dynamic=True) if compiled else model.encoder
    precision = partial(torch.autocast, "cpu", torch.bfloat16) if bf16 else nullcontext

    @torch.inference_mode()
    def run(ids: np.ndarray, mask: np.ndarray) -> np.ndarray:
        torch.set_num_threads(threads)
        with precision():
            return encoder(torch.from_numpy(ids), torch.from_numpy(mask)).float().numpy()

    return run


def onnx_run(model: Original, folder: Path, threads: int, target: str = "onnx", level: str = "all") -> Run:
    """A target's graph in onnxruntime, fused as far as a level of its optimiser goes."""
    import onnxruntime

    TARGETS[target].write(model, folder, Options())
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3  # errors
    options.graph_optimization_level = getattr(onnxruntime.GraphOptimizationLevel, f"ORT_{ONNX_LEVELS[level]}")
    session = onnxruntime.InferenceSession(folder / "model.onnx", options, providers=["CPUExecutionProvider"])
    return lambda ids, mask: session.run(None, {"input_ids": ids, "attention_mask": mask})[0]


def openvino_run(model: Original, folder: Path, threads: int, target: str = "openvino", precision: str = "f32") -> Run:
    """A target's model in OpenVINO."""
    from headshrink.export.openvino_encoder import MODEL, compile_model

    TARGETS[target].write(model, folder, Options())
    request = compile_model(folder / MODEL, threads, precision=precision).create_infer_request()
    return lambda ids, mask: request.infer({"input_ids": ids, "attention_mask": mask})[0].copy()


def no_openvino() -> str:
    from headshrink.export.openvino_encoder import openvino

    try:
        openvino()
    except HeadshrinkError as error:
        return str(error)
    return ""


TRICKS: dict[str, Trick] = {
    "torch": Trick("torch, eager, fp32", torch_run),
    "torch_bf16": Trick("torch, autocast to bf16", partial(torch_run, bf16=True)),
    "torch_compile": Trick("torch.compile, fp32", partial(torch_run, compiled=True), no_compiler),
    "torch_compile_bf16": Trick(
        "torch.compile, autocast to bf16", partial(torch_run, bf16=True, compiled=True), no_compiler
    ),
    "onnx_none": Trick("ONNX Runtime, fp32, no fusion", partial(onnx_run, level="none")),
    "onnx_basic": Trick("ONNX Runtime, fp32, basic fusion", partial(onnx_run, level="basic")),
    "onnx_extended": Trick("ONNX Runtime, fp32, extended fusion", partial(onnx_run, level="extended")),
    "onnx": Trick("ONNX Runtime, fp32, all fusion", onnx_run),
    "onnx_int8": Trick("ONNX Runtime, int8", partial(onnx_run, target="onnx_int8")),
    "onnx_int4": Trick("ONNX Runtime, 4-bit weights", partial(onnx_run, target="onnx_int4")),
    "openvino": Trick("OpenVINO, fp32", openvino_run, no_openvino),
    "openvino_bf16": Trick("OpenVINO, fp32 weights, bf16 sums", partial(openvino_run, precision="bf16"), no_openvino),
    "openvino_int8": Trick("OpenVINO, int8 weights", partial(openvino_run, target="openvino_int8"), no_openvino),
}
