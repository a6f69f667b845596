"""What a BERT computes inside: its states and attention heads, recorded during a pass and matched layer to layer."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Literal

import torch
from torch import Tensor, nn
from transformers import BertModel, PreTrainedTokenizerBase

from headshrink.errors import HeadshrinkError
from headshrink.model.precision import at_least_fp32
from headshrink.parameters.distill import DEFAULTS

LayerMap = Literal["uniform", "last"] | Sequence[int]


@dataclass(frozen=True)
class Heads:
    """One layer's attention heads: queries, keys and values, each [rows, heads, tokens, head size]."""

    queries: Tensor
    keys: Tensor
    values: Tensor


@dataclass(frozen=True)
class Layers:
    """A pass of one model: what `embeddings` gives and what every layer does, under a 0/1 mask [rows, tokens].

    `hidden[i]`, [rows, tokens, hidden], is the output of layer i; `heads[i]` are its attention heads, None where it has
    none left. After `Alignment` entry i of student and teacher belong together, and widths are equal.
    """

    mask: Tensor
    embedding: Tensor
    hidden: list[Tensor]
    heads: list[Heads | None]


@dataclass
class Recording:
    """Outputs of a pass as they come: of the embeddings, of each layer, of each query, key and value projection.

    What comes belongs to the layer after those that are done: one module may stand in the place of several layers.
    """

    below: list[Tensor] = field(default_factory=list)
    hidden: list[Tensor] = field(default_factory=list)
    parts: dict[tuple[int, str], Tensor] = field(default_factory=dict)

    def layers(self, mask: Tensor, head_sizes: Sequence[int]) -> Layers:
        """All of it, once the model has run; `head_sizes` as `head_sizes` gives them."""
        heads = [self._heads(i, size) if size else None for i, size in enumerate(head_sizes)]
        return Layers(mask, self.below[0], self.hidden, heads)

    def _heads(self, layer: int, size: int) -> Heads:
        def split(name: str) -> Tensor:
            heads: Tensor = self.parts[layer, name].unflatten(-1, (-1, size))
            return heads.transpose(1, 2)

        return Heads(split("query"), split("key"), split("value"))


@contextmanager
def recorded(backbone: BertModel) -> Iterator[Recording]:
    """Record the next pass, in fp32 whatever it runs in; gradients flow through what is recorded."""
    recording = Recording()

    def part(name: str) -> Callable[[Tensor], None]:
        return lambda output: recording.parts.update({(len(recording.hidden), name): output})

    handles = [backbone.embeddings.register_forward_hook(_give(recording.below.append))]
    for layer in dict.fromkeys(backbone.encoder.layer):
        for name in ("query", "key", "value") if _head_size(layer) else ():
            projection = layer.get_submodule(f"attention.self.{name}")
            handles.append(projection.register_forward_hook(_give(part(name))))
        handles.append(layer.register_forward_hook(_give(recording.hidden.append)))
    try:
        yield recording
    finally:
        for handle in handles:
            handle.remove()


def _give(to: Callable[[Tensor], None]) -> Callable[[nn.Module, object, Tensor], None]:
    def hook(module: nn.Module, arguments: object, output: Tensor) -> None:
        to(at_least_fp32(output))

    return hook


def _head_size(layer: nn.Module) -> int:
    """0 for a layer that has lost its heads."""
    return int(getattr(layer.get_submodule("attention").self, "attention_head_size", 0))


def head_sizes(backbone: BertModel) -> list[int]:
    """Size of each layer's heads, 0 where a layer has none."""
    return [_head_size(layer) for layer in backbone.encoder.layer]


def teachers_layers(student_layers: int, teacher_layers: int, layer_map: LayerMap) -> list[int]:
    """Which teacher layer each student layer imitates.

    "uniform" takes every k-th, the last to the last (TinyBERT, Jiao et al. 2020, section 3.1: g(m) = m N / M, here
    rounded where M does not divide N); "last" the teacher's last ones; a list names one for each student layer.
    Raises HeadshrinkError for a list of another length or with a layer that the teacher has not.
    """
    if layer_map == "uniform":
        return [round((i + 1) * teacher_layers / student_layers) - 1 for i in range(student_layers)]
    if layer_map == "last":
        return [max(0, teacher_layers - student_layers + i) for i in range(student_layers)]
    chosen = list(layer_map)
    if len(chosen) != student_layers or not all(0 <= int(layer) < teacher_layers for layer in chosen):
        raise HeadshrinkError(
            f"layer_map {chosen}: give one teacher layer (0 to {teacher_layers - 1}) for each of the student's "
            f"{student_layers}, or uniform, or last"
        )
    return [int(layer) for layer in chosen]


class Alignment(nn.Module):
    """Puts a student's layers beside the teacher's: maps layers, and projects states where the widths differ.

    The projections are learned with the student and thrown away after (TinyBERT, equations 8 and 9): one for the
    embedding output, one for all layers. A student as wide as its teacher gets none, since it was cut from the same
    space; then a perfect copy has no loss from the start.
    """

    def __init__(self, student: BertModel, teacher: BertModel, layer_map: LayerMap = DEFAULTS.layer_map) -> None:
        super().__init__()
        own, others = (len(backbone.encoder.layer) for backbone in (student, teacher))
        if not own:
            raise HeadshrinkError("the student has no layers to compare: leave out losses on layers and words")
        self.map = teachers_layers(own, others, layer_map)
        width, target = student.config.hidden_size, teacher.config.hidden_size
        self.embedding, self.hidden = (_projection(width, target) for _ in range(2))

    def forward(self, student: Layers, teacher: Layers) -> tuple[Layers, Layers]:
        """Student's layers, projected, and as many of the teacher's."""
        projected = Layers(
            student.mask, self.embedding(student.embedding), [self.hidden(s) for s in student.hidden], student.heads
        )
        hidden, heads = [teacher.hidden[layer] for layer in self.map], [teacher.heads[layer] for layer in self.map]
        return projected, Layers(teacher.mask, teacher.embedding, hidden, heads)


def _projection(width: int, target: int) -> nn.Module:
    if width == target:
        return nn.Identity()
    linear = nn.Linear(width, target, bias=False)
    nn.init.orthogonal_(linear.weight)
    return linear


def teacher_token_ids(student: PreTrainedTokenizerBase, teacher: PreTrainedTokenizerBase) -> Tensor | None:
    """The teacher's id of each of the student's ids [vocabulary], None where both have the same tokenizer.

    The teacher can then read the student's tokens and be compared with it token by token, though its own tokenizer
    might cut a rare word into longer tokens. Raises HeadshrinkError where it has fewer than nine tenths of them.
    """
    own, others = student.get_vocab(), teacher.get_vocab()
    if own == others:
        return None
    unknown = others.get(str(teacher.unk_token), 0)
    known = sum(token in others for token in own)
    if known < 0.9 * len(own):
        raise HeadshrinkError(
            f"the teacher knows {known} of the student's {len(own)} tokens: losses on layers compare token with token "
            "and need one vocabulary, or a part of it"
        )
    ids = torch.full((max(own.values()) + 1,), unknown, dtype=torch.long)
    for token, i in own.items():
        ids[i] = others.get(token, unknown)
    return ids
