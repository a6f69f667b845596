"""Stage teacher: the model to compress, in one folder with its sentence-transformers modules."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import Field, model_validator

from tasks.section import NOTHING, Section, Seed, name_from

MAX_CONFIG_BYTES = 2**20  # a config.json has a thousand


class Params(Section):
    """Which teacher."""

    source: name_from("teacher") = Field(description="generated: trained here from scratch")  # type: ignore[valid-type]
    path: str = Field(NOTHING, description="folder: the model; generated: the pairs to train on; hub: profiles/none")
    hub_id: str | None = Field(None, description="hub: model id")
    hub_revision: str | None = Field(
        None, pattern="^[0-9a-f]{40}$", description="hub: commit, 40 hex digits; a branch would not reproduce"
    )
    allow_pickle: bool = Field(
        False, description="convert .bin weights (tensors alone, no code) where it is all there is"
    )
    steps: int = Field(1000, ge=1, le=100_000, description="generated: training steps")
    seed: Seed = Field(0, description="generated: of the training")

    @model_validator(mode="after")
    def source_is_complete(self) -> "Params":
        if self.source == "hub" and not (self.hub_id and self.hub_revision):
            raise ValueError("source hub needs hub_id and hub_revision")
        if self.source != "hub" and self.path == NOTHING:
            raise ValueError(f"source {self.source} needs path")
        return self


@dataclass(frozen=True)
class Shape:
    """A teacher's size, as far as the parameters of later stages depend on it."""

    layers: int
    heads: int
    ffn: int
    positions: int


GENERATED = Shape(layers=4, heads=4, ffn=192, positions=128)  # as headshrink.teacher.generated makes it


def shape_of(params: Params) -> Shape | None:
    """The size of a generated teacher or of a local folder's; None where it is known only when the teacher is there.

    A folder whose config.json is missing or strange is the teacher stage's to refuse.
    """
    if params.source == "generated":
        return GENERATED
    if params.source != "folder":
        return None
    names = ("num_hidden_layers", "num_attention_heads", "intermediate_size", "max_position_embeddings")
    try:
        with open(Path(params.path) / "config.json", "rb") as file:
            config = json.loads(file.read(MAX_CONFIG_BYTES))
        sizes = [config[name] for name in names]
    except (OSError, ValueError, LookupError, TypeError, RecursionError):
        return None
    return Shape(*sizes) if all(type(size) is int and size > 0 for size in sizes) else None


def run(params) -> None:
    """Read the teacher's source (for `generated`, artifacts/corpus/train.parquet); write artifacts/teacher."""
    from headshrink.output import new_folder
    from headshrink.teacher import SOURCES, open_mlm_head, read_licence, write_teacher
    from tasks.stage import ARTIFACTS

    wanted = params.teacher
    encoder = SOURCES[wanted.source](**arguments(wanted))
    label = {"hub": wanted.hub_id, "folder": Path(wanted.path).resolve().name, "generated": "generated"}[wanted.source]
    revision = wanted.hub_revision if wanted.source == "hub" else None
    origin = origin_of(wanted)  # a generated teacher has neither licence nor head to pass on
    passed_on = (read_licence(origin), open_mlm_head(origin, encoder.backbone)) if origin else ()
    with new_folder(ARTIFACTS / "teacher") as folder:
        write_teacher(encoder, folder, label, wanted.source, revision, *passed_on)


def arguments(params: Params) -> dict[str, Any]:
    """What the chosen source is called with."""
    if params.source == "folder":
        return {"path": params.path, "allow_pickle": params.allow_pickle}
    if params.source == "hub":
        return {"hub_id": params.hub_id, "revision": params.hub_revision, "allow_pickle": params.allow_pickle}
    return {"pairs": training_pairs(Path(params.path) / "train.parquet"), "steps": params.steps, "seed": params.seed}


def origin_of(params: Params) -> Path | None:
    """The folder that the teacher came in, its card with it; None for a generated one."""
    from headshrink.teacher import fetch

    if params.hub_id and params.hub_revision and params.source == "hub":
        return fetch(params.hub_id, params.hub_revision, ["README.md"])  # the rest is in the same folder by now
    return Path(params.path) if params.source == "folder" else None


def training_pairs(path: Path) -> list[tuple[str, str]]:
    """(English, Russian) pairs of the corpus stage."""
    import pandas as pd

    table = pd.read_parquet(path, columns=["en", "ru"])
    return list(zip(table["en"], table["ru"], strict=True))


if __name__ == "__main__":
    from tasks.stage import main

    main(run, "teacher", "teacher")
