"""What a student is trained for: the recipe's losses, their weights over time, and what their comparison learns."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import torch
from torch import Tensor, nn

from headshrink.distill.gates import Gates
from headshrink.distill.layers import Alignment, LayerMap, Layers, head_sizes, recorded, same_pieces
from headshrink.distill.losses import (
    ALL_LOSSES,
    LAYER_LOSSES,
    LOSSES,
    OF_TRANSLATIONS,
    OF_TWO_GUESSES,
    WORD_LOSSES,
    Guesses,
    Outputs,
)
from headshrink.distill.masking import masked
from headshrink.distill.pairs import Batch
from headshrink.distill.precision import autocast, last_states
from headshrink.errors import HeadshrinkError
from headshrink.model import SentenceEncoder
from headshrink.model.mlm_head import MlmHead, word_table

Weight = float | tuple[float, float]  # constant, or from the first step to the last along a line


def weight_at(weight: Weight, progress: float) -> float:
    """A loss's weight at a share of the training, 0 to 1."""
    first, last = weight if isinstance(weight, tuple | list) else (weight, weight)
    return first + (last - first) * progress


class Objective(nn.Module):
    """The weighted sum of a recipe's losses on a batch.

    `weights` maps names of losses to weights. Losses on layers need `teacher` beside the student, since what happens
    inside it is too much to store (6 layers of minilm-en-ru: 13 kB a token); `layer_map` says which of its layers the
    student's imitate. Losses on words need the teacher's `mlm_head` too: the student guesses through it and the
    teacher's word table, both frozen, so that what is learned goes into the student. `others` are the dimensions of
    further teachers, whose embeddings follow the first one's in the targets: each is imitated by `cosine` through a
    linear projection of its own, learned with the student and thrown away after (rubert-tiny's recipe), all of them
    together at weight 1. `gates` on the student are learned with it, and add what drives them to their budget. Raises
    HeadshrinkError for a loss on layers without a teacher, and for one on words without an MLM head.
    """

    def __init__(
        self,
        weights: Mapping[str, Weight],
        student: SentenceEncoder,
        teacher: SentenceEncoder | None = None,
        layer_map: LayerMap = "uniform",
        others: Sequence[int] = (),
        gates: Gates | None = None,
        mlm_head: MlmHead | None = None,
    ) -> None:
        super().__init__()
        self.gates = gates
        self.weights = dict(weights)
        self.on_layers = [name for name in weights if name in LAYER_LOSSES]
        self.on_words = [name for name in weights if name in WORD_LOSSES]
        self.alignment: Alignment | None = None
        inside = self.on_layers + self.on_words
        if inside:
            if teacher is None:
                raise HeadshrinkError(f"loss {inside[0]} looks inside: it needs the teacher in the training")
            self.alignment = Alignment(student.backbone, teacher.backbone, layer_map).to(student.device)
            self.pieces = same_pieces(student.tokenizer, teacher.tokenizer)
        self.dimensions = [student.dimension, *others]
        linears = (nn.Linear(student.dimension, width, bias=False) for width in others)
        self.projections = nn.ModuleList(linears).to(student.device)
        self.teachers, self.mlm_heads = [teacher], [mlm_head]  # in lists, so that their weights are not this module's
        if self.on_words and mlm_head is None:
            raise HeadshrinkError(
                f"loss {self.on_words[0]} guesses words through the teacher's MLM head, and its checkpoint has none: "
                "set mlm_head_steps, so that one is fitted, or leave the loss out"
            )

    def forward(self, student: Outputs, teacher: Outputs, progress: float, translated: bool = True) -> Tensor:
        """The losses of one batch, summed with their weights at this share of the training.

        Where its rows are no translations, losses that want them are left out.
        """
        terms = [
            weight_at(weight, progress) * ALL_LOSSES[name](student, teacher)
            for name, weight in self.weights.items()
            if translated or name not in OF_TRANSLATIONS
        ]
        for projection, other in zip(self.projections, teacher.others, strict=True):
            projected = Outputs(projection(student.en), projection(student.ru))
            terms.append(LOSSES["cosine"](projected, other) / len(teacher.others))
        if self.gates is not None:
            terms.append(self.gates.penalty(progress))
        return torch.stack(terms).sum()

    def heldout(self, student: Outputs, teacher: Outputs) -> Tensor:
        """What chooses the checkpoint: the losses on embeddings at their last weights, which alone the teacher's stored
        embeddings allow; `cosine` where there are none."""
        weights = {name: weight_at(weight, 1.0) for name, weight in self.weights.items() if name in LOSSES}
        if not any(weights.values()):
            weights = {"cosine": 1.0}
        return torch.stack([weight * LOSSES[name](student, teacher) for name, weight in weights.items()]).sum()

    def compare(
        self, student: SentenceEncoder, batch: Batch, precision: str, read: Tensor | None = None
    ) -> tuple[Outputs, Outputs]:
        """Student's and teacher's outputs on a batch, with their layers and guesses where a loss wants them.

        `read` are the ids that the student reads, where they are not the batch's.
        """
        seen = batch if read is None else replace(batch, input_ids=read)
        queue = None if batch.queue is None else self.teachers_outputs(batch.queue)
        teacher = replace(self.teachers_outputs(batch.teacher), queue=queue)
        guesses, guessed = self.guesses(student, batch, precision) if self.on_words else (None, None)
        teacher = replace(teacher, guesses=guessed)
        if not self.on_layers:
            return Outputs.from_block(embed_block(student, seen, precision), guesses=guesses), teacher
        assert self.alignment is not None
        with recorded(student.backbone) as own:
            embeddings = embed_block(student, seen, precision)
        ours = own.layers(batch.attention_mask, head_sizes(student.backbone))
        ours, theirs = self.alignment(ours, self.teachers_layers(batch, precision))
        return Outputs.from_block(embeddings, ours, guesses), replace(teacher, layers=theirs)

    def teachers_outputs(self, targets: Tensor) -> Outputs:
        """From targets [2 * pairs, dimensions of all teachers]: the first one's, with the others'."""
        own, *others = (Outputs.from_block(block) for block in targets.split(self.dimensions, dim=1))
        return replace(own, others=tuple(others))

    @torch.no_grad()
    def teachers_layers(self, batch: Batch, precision: str) -> Layers:
        """The teacher's own pass over the batch's pieces."""
        (teacher,) = self.teachers
        assert teacher is not None
        ids = self.teachers_ids(batch.input_ids)
        with recorded(teacher.backbone) as recording, autocast(precision, teacher.device):
            teacher.backbone(input_ids=ids, attention_mask=batch.attention_mask)
        return recording.layers(batch.attention_mask, head_sizes(teacher.backbone))

    def teachers_ids(self, input_ids: Tensor) -> Tensor:
        """The teacher's ids of the student's pieces."""
        return input_ids if self.pieces is None else self.pieces.to(input_ids.device)[input_ids]

    def guesses(self, student: SentenceEncoder, batch: Batch, precision: str) -> tuple[Guesses, Guesses | None]:
        """What the student expects behind [MASK] in the batch's text, and the teacher where a loss wants it.

        It takes passes of their own, since the sentences that the other losses compare have to stay whole: to name a
        loss on words changes no other loss.
        """
        (teacher,), (mlm_head,) = self.teachers, self.mlm_heads
        assert teacher is not None
        assert mlm_head is not None
        assert self.alignment is not None
        read, where = masked(batch.input_ids, student.tokenizer)
        pieces, table = self.teachers_ids(batch.input_ids)[where], word_table(teacher.backbone).detach()

        def guesses(encoder: SentenceEncoder, ids: Tensor, projection: nn.Module) -> Guesses:
            states = last_states(encoder, ids, batch.attention_mask, precision)[where]
            return Guesses(mlm_head(projection(states), table), pieces)

        own = guesses(student, read, self.alignment.hidden)
        if not OF_TWO_GUESSES & self.weights.keys():
            return own, None
        with torch.no_grad():
            return own, guesses(teacher, self.teachers_ids(read), nn.Identity())


def embed_block(student: SentenceEncoder, batch: Batch, precision: str) -> Tensor:
    """Embeddings [rows, dimension] of a batch's block: the backbone in `precision`, pooling and after it in fp32."""
    states = last_states(student, batch.input_ids, batch.attention_mask, precision)
    return student.embed(states, batch.attention_mask)
