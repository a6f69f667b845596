"""What a student is trained for: the weighted sum of a recipe's losses, and the outputs that these losses need."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import torch
from torch import Tensor, nn

from headshrink.data.table import Batch
from headshrink.distillation.layers import Alignment, LayerMap, Layers, head_sizes, recorded, teacher_token_ids
from headshrink.distillation.losses import LOSSES, ON_EMBEDDINGS, MaskedLogits, Need, Outputs
from headshrink.distillation.masking import masked
from headshrink.distillation.recipe import Weight, weight_at
from headshrink.distillation.training_data import Reference
from headshrink.errors import HeadshrinkError
from headshrink.model import SentenceEncoder
from headshrink.model.mlm_head import MlmHead, word_table
from headshrink.parameters.distill import DEFAULTS

OF_THE_TEACHER = frozenset({Need.LAYERS, Need.MASKED_LOGITS, Need.TEACHER_MASKED_LOGITS})


class Objective(nn.Module):
    """The weighted losses on a batch.

    The union of the losses' needs decides what is computed. For layers the teacher runs beside the student, since its
    layers are too large to store (6 layers of minilm-en-ru: 13 kB a token). For masked tokens the student's states pass
    through the teacher's MLM head and token embeddings, both frozen, so that only the student learns. Each further
    teacher is imitated by `cosine` through a linear projection, which is trained with the student and then discarded
    (rubert-tiny's recipe); all of them together have weight 1. Raises HeadshrinkError where the reference lacks the
    teacher or the MLM head that a loss needs.
    """

    def __init__(
        self,
        weights: Mapping[str, Weight],
        student: SentenceEncoder,
        reference: Reference | None = None,
        layer_map: LayerMap = DEFAULTS.layer_map,
    ) -> None:
        super().__init__()
        reference = reference or Reference()
        self.weights = dict(weights)
        self.needs = frozenset().union(*(LOSSES[name].needs for name in weights))
        self.reference = [reference]  # in a list, so that the teacher's weights are not this module's
        self.alignment: Alignment | None = None
        if self.needs & OF_THE_TEACHER:
            teacher = self.teacher()
            self.alignment = Alignment(student.backbone, teacher.backbone, layer_map).to(student.device)
            self.token_ids = teacher_token_ids(student.tokenizer, teacher.tokenizer)
        if Need.MASKED_LOGITS in self.needs:
            self.mlm_head()
        self.whole_batch = [name for name in weights if Need.WHOLE_BATCH in LOSSES[name].needs]
        self.dimensions = [student.dimension, *reference.extra_dimensions]
        linears = (nn.Linear(student.dimension, width, bias=False) for width in reference.extra_dimensions)
        self.projections = nn.ModuleList(linears).to(student.device)

    def teacher(self) -> SentenceEncoder:
        """The teacher; HeadshrinkError where a loss needs it and there is none."""
        (reference,) = self.reference
        if reference.teacher is None:
            raise HeadshrinkError(f"loss {self.first(OF_THE_TEACHER)} needs the teacher in the training")
        return reference.teacher

    def mlm_head(self) -> MlmHead:
        """The teacher's MLM head; HeadshrinkError where a loss needs it and there is none."""
        (reference,) = self.reference
        if reference.mlm_head is None:
            raise HeadshrinkError(
                f"loss {self.first({Need.MASKED_LOGITS})} needs the teacher's MLM head, and its checkpoint has none: "
                "set mlm_head_steps to train one, or remove the loss"
            )
        return reference.mlm_head

    def first(self, needs: Iterable[Need]) -> str:
        """Name of the first loss with one of these needs."""
        wanted = set(needs)
        return next(name for name in self.weights if LOSSES[name].needs & wanted)

    def terms(
        self, names: Sequence[str], student: Outputs, teacher: Outputs, progress: float, translated: bool = True
    ) -> list[Tensor]:
        """Some of the losses on one batch with their weights at a share of the training.

        `translated` is False where the rows of the batch are no translations: losses that need them are left out.
        """
        return [
            weight_at(self.weights[name], progress) * LOSSES[name](student, teacher)
            for name in names
            if translated or Need.TRANSLATIONS not in LOSSES[name].needs
        ]

    def projected_terms(self, student: Outputs, teacher: Outputs) -> list[Tensor]:
        """The losses to further teachers."""
        projected = [Outputs(projection(student.en), projection(student.ru)) for projection in self.projections]
        pairs = zip(projected, teacher.others, strict=True)
        return [LOSSES["cosine"](ours, other) / len(teacher.others) for ours, other in pairs]

    def heldout(self, student: Outputs, teacher: Outputs) -> Tensor:
        """The loss that chooses the checkpoint: the losses on embeddings at their final weights.

        The stored embeddings are enough for it. It is `cosine` where no such loss has a weight.
        """
        final = {name: weight_at(weight, 1.0) for name, weight in self.weights.items()}
        weights = {name: weight for name, weight in final.items() if LOSSES[name].needs <= ON_EMBEDDINGS}
        if not any(weights.values()):
            weights = {"cosine": 1.0}
        return torch.stack([weight * LOSSES[name](student, teacher) for name, weight in weights.items()]).sum()

    def outputs(
        self, student: SentenceEncoder, batch: Batch, precision: str, student_ids: Tensor | None = None
    ) -> tuple[Outputs, Outputs]:
        """Student's and teacher's outputs on a batch, with what the losses need.

        `student_ids` are the token ids that the student reads, where they are not the batch's.
        """
        seen = batch if student_ids is None else replace(batch, input_ids=student_ids)
        queue = None if batch.queue is None else self.stored_outputs(batch.queue)
        teacher = replace(self.stored_outputs(batch.teacher), queue=queue)
        own, others = self.masked_logits(student, batch, precision)
        teacher = replace(teacher, masked_logits=others)
        if self.alignment is None or Need.LAYERS not in self.needs:
            return Outputs.from_block(student.embed_batch(seen, precision), masked_logits=own), teacher
        with recorded(student.backbone) as recording:
            embeddings = student.embed_batch(seen, precision)
        layers = recording.layers(batch.attention_mask, head_sizes(student.backbone))
        layers, teacher_layers = self.alignment(layers, self.teacher_layers(batch, precision))
        return Outputs.from_block(embeddings, layers, own), replace(teacher, layers=teacher_layers)

    def stored_outputs(self, targets: Tensor) -> Outputs:
        """From targets [2 * pairs, dimensions of all teachers]: the first teacher's, with the others'."""
        own, *others = (Outputs.from_block(block) for block in targets.split(self.dimensions, dim=1))
        return replace(own, others=tuple(others))

    @torch.no_grad()
    def teacher_layers(self, batch: Batch, precision: str) -> Layers:
        """The teacher's own pass over the batch's tokens."""
        teacher, ids = self.teacher(), self.teacher_ids(batch.input_ids)
        with recorded(teacher.backbone) as recording:
            teacher.run_backbone(replace(batch, input_ids=ids), precision)
        return recording.layers(batch.attention_mask, head_sizes(teacher.backbone))

    def teacher_ids(self, input_ids: Tensor) -> Tensor:
        """The teacher's ids of the student's tokens."""
        return input_ids if self.token_ids is None else self.token_ids.to(input_ids.device)[input_ids]

    def masked_logits(
        self, student: SentenceEncoder, batch: Batch, precision: str
    ) -> tuple[MaskedLogits | None, MaskedLogits | None]:
        """Logits at masked tokens of the student, and of the teacher, each None where no loss needs them.

        They take passes of their own, since the other losses compare whole sentences: a loss on masked tokens changes
        no other loss.
        """
        if self.alignment is None or Need.MASKED_LOGITS not in self.needs:
            return None, None
        teacher, mlm_head = self.teacher(), self.mlm_head()
        read, where = masked(batch.input_ids, student.tokenizer)
        tokens, table = self.teacher_ids(batch.input_ids)[where], word_table(teacher.backbone).detach()

        def logits(encoder: SentenceEncoder, ids: Tensor, projection: nn.Module) -> MaskedLogits:
            states = encoder.hidden_states(replace(batch, input_ids=ids), precision)[where]
            return MaskedLogits(mlm_head(projection(states), table), tokens)

        own = logits(student, read, self.alignment.hidden)
        if Need.TEACHER_MASKED_LOGITS not in self.needs:
            return own, None
        with torch.no_grad():
            return own, logits(teacher, self.teacher_ids(read), nn.Identity())
