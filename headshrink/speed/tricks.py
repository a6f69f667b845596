"""Ways of running one model, by name."""

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch

from headshrink.errors import HeadshrinkError
from headshrink.exporting.graph_encoder import INPUTS, OUTPUT, Run
from headshrink.exporting.onnx_encoder import GRAPH
from headshrink.exporting.openvino_encoder import MODEL, compile_model, openvino
from headshrink.graph import open_session
from headshrink.model import SentenceEncoder, load_encoder
from headshrink.model.compiled import no_compiler
from headshrink.speed.fusion import fuse_attention

Open = Callable[[Path, int], Run]  # a form's folder, threads
COMPILED_SHAPES = 1024  # beyond torch's limit of 8 a model would silently run uncompiled


@dataclass(frozen=True)
class Trick:
    """One way. `form` is the export target whose folder it reads, `open` readies that to be run on so many threads.

    `missing` says why it cannot run here; nothing where it can.
    """

    title: str
    form: str
    open: Open
    missing: Callable[[], str] = lambda: ""


def open_torch(
    folder: Path, threads: int, bf16: bool = False, compiled: bool = False, freezing: bool = False, device: str = "cpu"
) -> Run:
    """A model folder in torch: eager or compiled, weights frozen into the code or not, in fp32 or by autocast in bf16.

    The time of a run on a GPU has the way there and back in it.
    """
    encoder: Any = shared_encoder(folder, device)
    if compiled:
        torch._dynamo.config.recompile_limit = COMPILED_SHAPES
        encoder = torch.compile(encoder, dynamic=True, options={"freezing": True} if freezing else None)
    precision = partial(torch.autocast, device, torch.bfloat16) if bf16 else nullcontext

    @torch.inference_mode()
    def run(ids: np.ndarray, mask: np.ndarray) -> np.ndarray:
        torch.set_num_threads(threads)
        with precision():
            found: torch.Tensor = encoder(torch.from_numpy(ids).to(device), torch.from_numpy(mask).to(device))
            return found.float().cpu().numpy()

    return run


@lru_cache(maxsize=4)  # teacher and student, on the CPU and a GPU
def shared_encoder(folder: Path, device: str) -> SentenceEncoder:
    """A model that all of torch's rows share, so that a table of them fits in memory."""
    return load_encoder(folder).to(device)


def open_onnx(folder: Path, threads: int, level: str = "ALL", fused: bool = False) -> Run:
    """A graph in onnxruntime, optimised as far as a level of it goes, its attention fused before or not."""
    graph = fuse_attention(onnx.load(folder / GRAPH)).SerializeToString() if fused else folder / GRAPH
    session = open_session(graph, threads, level)
    return lambda ids, mask: session.run([OUTPUT], dict(zip(INPUTS, (ids, mask), strict=True)))[0]


def open_openvino(folder: Path, threads: int, precision: str = "f32") -> Run:
    """A model in OpenVINO, its sums in fp32 or bf16."""
    request = compile_model(folder / MODEL, threads, precision=precision).create_infer_request()
    return lambda ids, mask: request.infer(dict(zip(INPUTS, (ids, mask), strict=True)))[0].copy()


def no_openvino() -> str:
    try:
        openvino()
    except HeadshrinkError as error:
        return str(error)
    return ""


def no_cuda() -> str:
    return "" if torch.cuda.is_available() else "no CUDA device"


compile_torch = partial(open_torch, compiled=True)

TRICKS: dict[str, Trick] = {
    "torch": Trick("torch, eager, fp32", "transformers", open_torch),
    "torch_bf16": Trick("torch, autocast to bf16", "transformers", partial(open_torch, bf16=True)),
    "torch_compile": Trick("torch.compile, fp32", "transformers", compile_torch, no_compiler),
    "torch_compile_freezing": Trick(
        "torch.compile, fp32, weights frozen", "transformers", partial(compile_torch, freezing=True), no_compiler
    ),
    "torch_compile_bf16": Trick(
        "torch.compile, autocast to bf16", "transformers", partial(compile_torch, bf16=True), no_compiler
    ),
    "onnx_none": Trick("ONNX Runtime, fp32, no fusion", "onnx", partial(open_onnx, level="NONE")),
    "onnx_basic": Trick("ONNX Runtime, fp32, basic fusion", "onnx", partial(open_onnx, level="BASIC")),
    "onnx_extended": Trick("ONNX Runtime, fp32, extended fusion", "onnx", partial(open_onnx, level="EXTENDED")),
    "onnx": Trick("ONNX Runtime, fp32, all fusion", "onnx", open_onnx),
    "onnx_attention": Trick("ONNX Runtime, fp32, all fusion and attention", "onnx", partial(open_onnx, fused=True)),
    "onnx_int8": Trick("ONNX Runtime, int8", "onnx_int8", open_onnx),
    "onnx_int4": Trick("ONNX Runtime, 4-bit weights", "onnx_int4", open_onnx),
    "openvino": Trick("OpenVINO, fp32", "openvino", open_openvino, no_openvino),
    "openvino_bf16": Trick(
        "OpenVINO, fp32 weights, bf16 sums", "openvino", partial(open_openvino, precision="bf16"), no_openvino
    ),
    "openvino_int8": Trick("OpenVINO, int8 weights", "openvino_int8", open_openvino, no_openvino),
    "cuda": Trick("torch, eager, fp32, CUDA", "transformers", partial(open_torch, device="cuda"), no_cuda),
    "cuda_bf16": Trick(
        "torch, autocast to bf16, CUDA", "transformers", partial(open_torch, device="cuda", bf16=True), no_cuda
    ),
}
