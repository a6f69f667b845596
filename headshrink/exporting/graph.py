"""A sentence encoder as one ONNX graph in fp32: pooling, dense layers and normalisation inside."""

import ast
import copy
import logging
import warnings
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property

import onnx
import torch
from torch import Tensor, nn

from headshrink.exporting.graph_encoder import INPUTS, MAX_TOKENS, OUTPUT, STATES
from headshrink.model import BiLstmModel, SentenceEncoder, TokenBatch
from headshrink.model.attention import eager_attention

EXAMPLES = ([2, 5, 3], [2, 5, 5, 5, 3])  # any two rows of different length: batch and tokens stay free in the graph


class Original:
    """The model in memory that every form must reproduce, on the CPU. Its graph, which takes seconds, is made once."""

    def __init__(self, encoder: SentenceEncoder) -> None:
        self.encoder = encoder if encoder.device.type == "cpu" else copy.deepcopy(encoder).cpu()

    @cached_property
    def _graph(self) -> onnx.ModelProto:
        return to_graph(self.encoder)

    def graph(self) -> onnx.ModelProto:
        """A copy of the fp32 graph, to be changed at will."""
        copy = onnx.ModelProto()
        copy.CopyFrom(self._graph)
        return copy


class Sentences(nn.Module):
    """An encoder as the graph computes it: embeddings and last hidden states, its attention mask made once for all.

    transformers would build the mask by looking every pair of tokens up; added to the scores, minus infinity at
    padding is the same for every query, [batch, 1, 1, tokens].
    """

    def __init__(self, encoder: SentenceEncoder) -> None:
        super().__init__()
        self.encoder = encoder

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> tuple[Tensor, Tensor]:
        seen = attention_mask
        if not isinstance(self.encoder.backbone, BiLstmModel):  # which reads lengths off it
            closed = (1.0 - attention_mask.to(torch.float32)) * torch.finfo(torch.float32).min
            seen = closed[:, None, None, :]
        states = self.encoder.backbone(input_ids=input_ids, attention_mask=seen).last_hidden_state
        return self.encoder.embed(states, attention_mask), states


def to_graph(encoder: SentenceEncoder) -> onnx.ModelProto:
    """The encoder as a graph: input_ids and attention_mask, int64 [batch, tokens], to float32 embeddings.

    The last hidden states [batch, tokens, hidden] come out beside them, for other poolings and for work on words.
    Attention is exported as plain matrix products ("eager"): the fused operator's export guards against rows without
    any token, which no sentence is, at the price of two more passes over the attention map.
    """
    rows = [[i % encoder.backbone.config.vocab_size for i in row] for row in EXAMPLES]
    batch = TokenBatch.from_rows(rows, 0)
    free = {0: "batch", 1: "tokens"}
    with quiet(), eager_attention(encoder), torch.inference_mode():
        program = torch.onnx.export(
            Sentences(encoder.eval()),
            (batch.input_ids, batch.attention_mask),
            dynamo=True,
            verbose=False,
            input_names=list(INPUTS),
            output_names=[OUTPUT, STATES],
            dynamic_shapes=(free, free),
        )
    assert program is not None
    model = without_traces(with_module_names(program.model_proto))
    onnx.helper.set_model_props(model, {MAX_TOKENS: str(encoder.backbone.config.max_position_embeddings)})
    return model


def with_module_names(model: onnx.ModelProto) -> onnx.ModelProto:
    """Name each linear layer's product after its module, in place: transposed weights lose their names on the way.

    A module that stands in several places gives its name to the first, and with @1, @2 to the others.
    """
    uses: Counter[str] = Counter()
    constants = {tensor.name for tensor in model.graph.initializer}
    for node in model.graph.node:
        scopes = {entry.key: entry.value for entry in node.metadata_props}.get("pkg.torch.onnx.name_scopes")
        if node.op_type == "MatMul" and node.input[1] in constants and scopes:
            name = ast.literal_eval(scopes)[-2].removeprefix("encoder.").removeprefix("backbone.encoder.")
            node.name = f"{name}@{uses[name]}" if uses[name] else name
            uses[name] += 1
    return model


@contextmanager
def quiet() -> Iterator[None]:
    """Silence the exporter's warnings, which are about its own internals."""
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)


def without_traces(model: onnx.ModelProto) -> onnx.ModelProto:
    """Drop the exporter's metadata, in place: stack traces with this machine's paths, which also change the bytes."""
    graph = model.graph
    del graph.value_info[:]  # shapes of inner values, which onnxruntime infers again
    for part in (model, graph, *graph.node, *graph.initializer, *graph.input, *graph.output):
        part.doc_string = ""
        del part.metadata_props[:]
    return model
