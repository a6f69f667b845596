"""OpenVINO in fp32: the ONNX graph in Intel's format, the tokenizer beside it; openvino and tokenizers open it."""

from functools import partial
from pathlib import Path

from onnx import ModelProto

from headshrink.errors import HeadshrinkError, joined
from headshrink.exporting.graph_encoder import TOKENIZER, write_tokenizer
from headshrink.exporting.openvino_encoder import MODEL, OpenVinoEncoder, openvino
from headshrink.exporting.targets._base import Embed, graph_target
from headshrink.model import SentenceEncoder


def save(graph: ModelProto, encoder: SentenceEncoder, folder: Path) -> None:
    """Convert a graph of the encoder, quantised or not, and write it with its tokenizer.json.

    In fp32, not in openvino's default of fp16. Raises HeadshrinkError where openvino is not installed.
    """
    runtime = openvino()
    folder.mkdir(parents=True, exist_ok=True)
    model = runtime.Core().read_model(graph.SerializeToString(), b"")
    try:
        runtime.save_model(model, folder / MODEL, compress_to_fp16=False)
    except RuntimeError as error:
        text = joined(error)
        raise HeadshrinkError(f"cannot write {folder / MODEL} ({text}): a disk with room is needed") from error
    write_tokenizer(encoder, folder / TOKENIZER)


def open_folder(folder: Path) -> Embed:
    return OpenVinoEncoder(folder).encode


SNIPPET = """
import numpy as np
import openvino
from tokenizers import Tokenizer

tokenizer = Tokenizer.from_file("{place}/tokenizer.json")
exact = {"INFERENCE_PRECISION_HINT": "f32"}  # without it, bf16 where the processor has it
model = openvino.Core().compile_model("{place}/model.xml", "CPU", exact)
rows = tokenizer.encode_batch(["a cat sleeps", "кошка спит"])
ids = np.array([row.ids for row in rows])
mask = np.array([row.attention_mask for row in rows])
embeddings = model({"input_ids": ids, "attention_mask": mask})[0]
print(embeddings @ embeddings.T)
"""

FILES = r"model\.(xml|bin)|tokenizer\.json"
NEEDS = ("numpy", "openvino", "tokenizers")

openvino_target = partial(graph_target, snippet=SNIPPET, save=save, open=open_folder, needs=NEEDS, files=FILES)

TARGET = openvino_target("OpenVINO", "openvino")
