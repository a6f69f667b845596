"""The whole of params.yaml, validated before any stage does any work."""

from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from tasks import benchmark, corpus, distill, export, importance, prune, report, speed, suite, teach, teacher, tokenize
from tasks.section import NOTHING

PARAMS = Path("params.yaml")


class ParamsError(Exception):
    """A parameter that is not allowed; one line naming the key, the value and what is allowed."""


class Params(BaseModel):
    """All parameters of the pipeline, a section a stage."""

    model_config = ConfigDict(extra="forbid")

    suite: suite.Params
    corpus: corpus.Params
    teacher: teacher.Params
    tokenize: tokenize.Params
    importance: importance.Params
    prune: prune.Params
    teach: teach.Params
    distill: distill.Params
    export: export.Params
    benchmark: benchmark.Params
    speed: speed.Params
    report: report.Params

    @model_validator(mode="after")
    def local_paths_exist(self) -> "Params":
        """A path outside artifacts/ is the user's and must exist now; one inside is written by an earlier stage."""
        local = {f"{name}.path": getattr(self, name).path for name in ("suite", "corpus", "teacher")}
        for name, place in (local | {"teach.monolingual": self.teach.monolingual}).items():
            path = Path(place)
            if path.parts[:1] != ("artifacts",) and not path.exists():
                raise ValueError(f"{name} = {path}: no such file or folder; give one that exists, or {NOTHING}")
        return self


def load(path: Path = PARAMS) -> Params:
    """Read and validate a parameter file.

    Raises ParamsError with one line: the key, its value, and what is allowed there.
    """
    try:
        raw = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ParamsError(f"{path}: {' '.join(str(error).split())}; a YAML file of sections is needed") from error
    if not isinstance(raw, dict):
        raise ParamsError(f"{path}: not a YAML mapping; allowed sections: {', '.join(Params.model_fields)}")
    try:
        return Params.model_validate(raw)
    except ValidationError as error:
        raise ParamsError(f"{path}: {explain(error)}") from error


def explain(error: ValidationError) -> str:
    """The first problem of a validation error, in one line."""
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"])
    if first["type"] == "extra_forbidden":
        return f"{where}: unknown key; allowed: {', '.join(allowed_keys(first['loc'][:-1]))}"
    if first["type"] == "missing":
        return f"{where}: missing key; every profile in profiles/ shows it"
    message = first["msg"].removeprefix("Value error, ")
    return f"{where} = {first['input']!r}: {message}" if where else message


def allowed_keys(place: tuple[int | str, ...]) -> list[str]:
    """The keys of the section at a place in the parameters; of its nearest known section where it is nested deeper."""
    model: type[BaseModel] = Params
    for part in place:
        field = model.model_fields.get(str(part))
        if field and isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            model = field.annotation
    return list(model.model_fields)
