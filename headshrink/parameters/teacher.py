"""Parameters of the section `teacher`."""

import json
from dataclasses import dataclass
from pathlib import Path

from pydantic import Field, model_validator

from headshrink.parameters.section import GENERATED, NOTHING, Section, Seed, name_from, only_for

MAX_CONFIG_BYTES = 2**20  # a config.json has a thousand


class TeacherParams(Section):
    """Where the teacher comes from."""

    kind_key = "source"

    source: name_from("teacher", GENERATED) = Field(  # type: ignore[valid-type]
        description="origin of the teacher; generated: trained here from scratch"
    )
    path: str = Field(
        NOTHING,
        description="folder: the model folder; generated: the pairs to train on",
        json_schema_extra=only_for("folder", "generated"),
    )
    hub_id: str | None = Field(None, description="model id on the hub", json_schema_extra=only_for("hub"))
    hub_revision: str | None = Field(
        None,
        pattern="^[0-9a-f]{40}$",
        description="commit of the model, 40 hexadecimal digits; a branch would not be reproducible",
        json_schema_extra=only_for("hub"),
    )
    allow_pickle: bool = Field(
        False,
        description="convert weights from .bin files (tensors only, no code) if there are no safetensors",
        json_schema_extra=only_for("folder", "hub"),
    )
    steps: int = Field(1000, ge=1, le=100_000, description="training steps", json_schema_extra=only_for("generated"))
    seed: Seed = Field(0, description="random seed of the training", json_schema_extra=only_for("generated"))

    @model_validator(mode="after")
    def source_is_complete(self) -> "TeacherParams":
        if self.source == "hub" and not (self.hub_id and self.hub_revision):
            raise ValueError("source hub needs hub_id and hub_revision")
        if self.source != "hub" and self.path == NOTHING:
            raise ValueError(f"source {self.source} needs path")
        return self


@dataclass(frozen=True)
class ModelShape:
    """A teacher's size, as far as the parameters of later stages depend on it."""

    layers: int
    heads: int
    ffn: int
    positions: int


GENERATED_SHAPE = ModelShape(layers=4, heads=4, ffn=192, positions=128)  # as demo.teacher makes it


def shape_of(params: TeacherParams) -> ModelShape | None:
    """The size of a generated teacher or of a local folder's; None where it is known only when the teacher is there.

    A folder whose config.json is missing or strange is the teacher stage's to refuse.
    """
    if params.source == GENERATED:
        return GENERATED_SHAPE
    if params.source != "folder":
        return None
    names = ("num_hidden_layers", "num_attention_heads", "intermediate_size", "max_position_embeddings")
    try:
        with open(Path(params.path) / "config.json", "rb") as file:
            config = json.loads(file.read(MAX_CONFIG_BYTES))
        sizes = [config[name] for name in names]
    except (OSError, ValueError, LookupError, TypeError, RecursionError):
        return None
    return ModelShape(*sizes) if all(type(size) is int and size > 0 for size in sizes) else None
