"""Parameters of the section `distill`."""

from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from headshrink.parameters.section import MAX_BATCH, Section, Seed, name_from, only_for

MAX_LAYERS, MAX_WIDTH, MAX_WEIGHT = 64, 8192, 1e6
Weight = (
    Annotated[float, Field(gt=0, le=MAX_WEIGHT)]
    | Annotated[list[Annotated[float, Field(ge=0, le=MAX_WEIGHT)]], Field(min_length=2, max_length=2)]
)
Layer = Annotated[int, Field(ge=0, lt=MAX_LAYERS)]
# As headshrink.distillation.losses groups them: known here without torch.
LAYER_LOSSES = {
    "attention_maps", "attention_scores", "embedding", "hidden", "hidden_cosine", "minilm_attention", "minilm_values",
    "pkd",
}  # fmt: skip
WORD_LOSSES = {"mlm", "soft_targets"}
LOSSES_OF_TRANSLATIONS = {"crosslingual", "ranking", "similarity"}
WITHOUT_LAYERS = ("bilstm", "static")  # kinds of students that have no layers like the teacher's


class StudentParams(Section):
    """Architecture of the student: its kind, and its size unless it is the pruned model."""

    kind_key = "kind"

    kind: name_from("distillation/students") = Field(  # type: ignore[valid-type]
        "pruned",
        description="pruned: the prune stage's model; every_kth_layer: complete layers of the teacher; thin: its "
        "layers "
        "cut to one size; narrow and bilstm: from scratch; static: token embeddings alone",
    )
    layers: int = Field(
        2,
        ge=1,
        le=MAX_LAYERS,
        description="number of layers",
        json_schema_extra=only_for("every_kth_layer", "thin", "narrow", "bilstm"),
    )
    hidden: int = Field(
        312, ge=1, le=MAX_WIDTH, description="hidden width", json_schema_extra=only_for("narrow", "bilstm")
    )
    heads: int = Field(12, ge=1, le=256, description="heads per layer", json_schema_extra=only_for("thin", "narrow"))
    ffn: int = Field(
        600, ge=1, le=65_536, description="FFN neurons per layer", json_schema_extra=only_for("thin", "narrow")
    )
    rank: int | None = Field(
        None,
        ge=1,
        le=MAX_WIDTH,
        description="rank of the token embeddings as a product of two tables; empty: one dense table",
        json_schema_extra=only_for("every_kth_layer", "thin", "narrow", "bilstm", "static"),
    )
    share_layers: bool = Field(
        False, description="one set of weights for all layers (ALBERT)", json_schema_extra=only_for("narrow")
    )

    @model_validator(mode="after")
    def width_is_shared_out(self) -> "StudentParams":
        if self.kind == "narrow" and self.hidden % self.heads:
            raise ValueError(f"hidden = {self.hidden}: a multiple of heads = {self.heads} is needed")
        if self.kind == "bilstm" and self.hidden % 2:
            raise ValueError(f"hidden = {self.hidden}: two directions share it, an even number is needed")
        if self.kind in ("narrow", "bilstm") and self.rank and self.rank >= self.hidden:
            raise ValueError(f"rank = {self.rank}: less than hidden = {self.hidden} is needed, or it saves nothing")
        return self


class DistillParams(Section):
    """The student and its training."""

    student: StudentParams = Field(StudentParams(), description="architecture of the student")

    losses: dict[name_from("distillation/losses"), Weight] = Field(  # type: ignore[valid-type]
        {"similarity": 0.1, "cosine": 1.0},
        min_length=1,
        description="weight of each loss by name, or [start, end] for a linear schedule",
    )
    layer_map: Literal["uniform", "last"] | Annotated[list[Layer], Field(min_length=1)] = Field(
        "uniform", description="teacher's layer for each layer of the student, for losses on layers"
    )
    queue: int = Field(
        0, ge=0, le=1_000_000, description="number of earlier pairs that are further negatives of the loss ranking"
    )
    epochs: float = Field(3, gt=0, le=10_000, description="passes over the training pairs")
    batch_size: int = Field(64, ge=2, le=MAX_BATCH, description="pairs per batch")
    micro_batch_tokens: int = Field(
        8192,
        ge=256,
        le=2**30,
        description="padded tokens per forward and backward pass; a larger batch is computed in parts. Half of "
        "LaBSE-en-ru in fp32 needs 5.4 GB with 8192 and 4 GB with 4096; losses on layers need more",
    )
    accumulate: int = Field(1, ge=1, le=4096, description="batches per step")
    learning_rate: float = Field(5e-4, gt=0, le=10, description="peak learning rate")
    weight_decay: float = Field(0.01, ge=0, le=10, description="weight decay of matrices")
    warmup: float = Field(0.05, ge=0, lt=1, description="share of the steps before the peak learning rate")
    decay: Literal["linear", "cosine"] = Field("cosine", description="learning rate schedule from the peak to zero")
    clip: float = Field(1.0, gt=0, le=1e6, description="maximum gradient norm")
    ema: float = Field(
        0.0, ge=0, lt=1, description="EMA decay per step; the averaged weights are evaluated and kept; 0: off"
    )
    evaluations: int = Field(
        10, ge=1, le=10_000, description="number of held-out evaluations; the best chooses the checkpoint"
    )
    heldout_pairs: int = Field(
        2000,
        ge=1,
        le=10_000_000,
        description="held-out pairs per evaluation, evenly spaced; all of them are evaluated once at the end",
    )
    patience: int | None = Field(
        None, ge=1, le=10_000, description="evaluations without improvement before the training ends; empty: all steps"
    )
    checkpoint_minutes: float = Field(2, gt=0, le=10_080, description="minutes between resumable checkpoints")
    word_dropout: float = Field(0.0, ge=0, lt=1, description="share of the student's tokens replaced by [MASK]; 0: off")
    dropout: float = Field(0.0, ge=0, lt=1, description="dropout of the student during training; 0: off")
    train_embeddings: bool = Field(True, description="train the token embeddings; false: they keep their values")
    precision: Literal["auto", "fp32", "bf16"] = Field("auto", description="auto: bf16 where the hardware has it")
    rounds: int = Field(
        1,
        ge=1,
        le=100,
        description="kind pruned: number of cuts during training, importance recomputed before each; 1: the prune "
        "stage's cut",
    )
    learned_gates: float = Field(
        0.0,
        ge=0,
        lt=1,
        description="kind pruned: share of the steps in which gates are learned that decide the cut; 0: the prune "
        "stage's cut",
    )
    unfreeze: float = Field(
        0.0,
        ge=0,
        le=1,
        description="share of the steps over which layers are unfrozen from the top down; 0: all from the start",
    )
    quantise: bool = Field(
        False, description="quantisation-aware training: round weights and activations as the int8 export does"
    )
    compile: bool = Field(False, description="use torch.compile for the student")
    seed: Seed = Field(0, description="random seed of batches and dropout")
    callbacks: dict[name_from("distillation/callbacks"), Annotated[float, Field(ge=-1e6, le=1e6)]] = Field(  # type: ignore[valid-type]
        {}, description="values of callbacks that have no parameter of their own, by name"
    )

    @field_validator("losses")
    @classmethod
    def every_loss_counts(cls, losses: dict[str, Weight]) -> dict[str, Weight]:
        if nothing := [name for name, weight in losses.items() if isinstance(weight, list) and not any(weight)]:
            raise ValueError(f"{nothing[0]} weighs nothing throughout; leave it out")
        return losses

    @field_validator("callbacks")
    @classmethod
    def callbacks_have_one_value(cls, callbacks: dict[str, float]) -> dict[str, float]:
        if twice := sorted(callbacks.keys() & cls.model_fields.keys()):
            raise ValueError(f"{twice[0]} has a parameter of its own; set distill.{twice[0]}")
        return callbacks

    @model_validator(mode="after")
    def losses_find_what_they_compare(self) -> "DistillParams":
        inside = sorted((LAYER_LOSSES | WORD_LOSSES) & self.losses.keys())
        kind, layers = self.student.kind, self.student.layers
        if inside and kind in WITHOUT_LAYERS:
            raise ValueError(f"losses: a student of kind {kind} has no layers for {', '.join(inside)}; leave them out")
        if self.compile and LAYER_LOSSES & self.losses.keys():
            raise ValueError("compile = true would hide the student's layers from losses on layers; choose one")
        mapped = len(self.layer_map) if isinstance(self.layer_map, list) else layers
        if kind not in ("pruned", *WITHOUT_LAYERS) and mapped != layers:
            raise ValueError(f"layer_map names {mapped} layers: one for each of student.layers = {layers} is needed")
        return self

    @model_validator(mode="after")
    def queue_has_a_use(self) -> "DistillParams":
        if self.queue and "ranking" not in self.losses:
            raise ValueError(
                f"queue = {self.queue}: only the loss ranking has a use for it; give it a weight, or 0 here"
            )
        return self

    @model_validator(mode="after")
    def cuts_on_the_way_have_a_teacher_to_cut(self) -> "DistillParams":
        if self.rounds > 1 and self.learned_gates:
            raise ValueError(
                f"learned_gates = {self.learned_gates} and rounds = {self.rounds}: one of them makes the cuts"
            )
        if (self.rounds > 1 or self.learned_gates) and self.student.kind != "pruned":
            raise ValueError(f"rounds and learned_gates cut a student of kind pruned, not {self.student.kind}")
        if self.learned_gates and self.compile:
            raise ValueError("learned gates look into the running student, which compile = true would hide from them")
        return self


DEFAULTS = DistillParams()
