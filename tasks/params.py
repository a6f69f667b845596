"""The whole of params.yaml, validated before any stage does any work."""

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from headshrink.errors import HeadshrinkError
from headshrink.escape import short
from headshrink.parameters import checked
from headshrink.parameters.benchmark import BenchmarkParams
from headshrink.parameters.compute import DEFAULTS as COMPUTE
from headshrink.parameters.compute import ComputeParams
from headshrink.parameters.corpus import CorpusParams
from headshrink.parameters.distill import LAYER_LOSSES, LOSSES_OF_TRANSLATIONS, WORD_LOSSES, DistillParams
from headshrink.parameters.export import ExportParams
from headshrink.parameters.importance import ImportanceParams
from headshrink.parameters.prune import COSTS, StagePruneParams
from headshrink.parameters.report import ReportParams
from headshrink.parameters.section import NOTHING
from headshrink.parameters.speed import SpeedParams
from headshrink.parameters.suite import SuiteParams
from headshrink.parameters.targets import TargetsParams
from headshrink.parameters.teacher import ModelShape, TeacherParams, shape_of
from headshrink.parameters.tokenize import TokenizeParams
from tasks.yaml_file import YamlError, read_sections

PARAMS = Path("params.yaml")
LOCAL_PATHS: dict[tuple[str, str], Callable[[Path], bool]] = {  # what the user's file or folder must be, by its key
    ("suite", "path"): Path.is_dir, ("corpus", "path"): Path.exists, ("teacher", "path"): Path.is_dir,
    ("targets", "monolingual"): Path.exists, ("benchmark", "pairs"): Path.exists, ("benchmark", "graded"): Path.is_file,
}  # fmt: skip
KINDS: dict[Callable[[Path], bool], str] = {
    Path.is_dir: "folder", Path.exists: "file or folder", Path.is_file: "file",
}  # fmt: skip


class ParamsError(HeadshrinkError):
    """A parameter that is not allowed; one line naming the key, the value and what is allowed."""


class Params(BaseModel):
    """All parameters of the pipeline, a section a stage."""

    model_config = ConfigDict(extra="forbid")

    suite: SuiteParams
    corpus: CorpusParams
    teacher: TeacherParams
    tokenize: TokenizeParams
    importance: ImportanceParams
    prune: StagePruneParams
    targets: TargetsParams
    distill: DistillParams
    export: ExportParams
    benchmark: BenchmarkParams
    speed: SpeedParams
    report: ReportParams
    compute: ComputeParams = COMPUTE

    @model_validator(mode="after")
    def local_paths_exist(self) -> "Params":
        """A path outside artifacts/ is the user's and must exist now; one inside is written by an earlier stage."""
        for (section, key), is_right in LOCAL_PATHS.items():
            place = getattr(getattr(self, section), key)
            kind = KINDS[is_right]
            if Path(place).parts[:1] != ("artifacts",) and place != NOTHING and not found(Path(place), is_right):
                raise ValueError(
                    f"{section}.{key} = {short(place)}: no such {kind}; give one that exists, or {NOTHING}"
                )
        if not Path(NOTHING).exists():
            raise ValueError(f"no {NOTHING} in {Path.cwd()}: a checkout of the project has it")
        return self

    @model_validator(mode="after")
    def keys_of_dvc_are_there(self) -> "Params":
        """DVC does not know the default of a single key that dvc.yaml lists under params."""
        student = self.distill.student
        if "student" not in self.distill.model_fields_set or "kind" not in student.model_fields_set:
            raise ValueError(f"distill.student.kind: missing key; dvc.yaml reads it: write it also for {student.kind}")
        return self

    @model_validator(mode="after")
    def later_stages_have_their_model(self) -> "Params":
        targets = self.export.targets
        if "transformers" not in targets:
            raise ValueError(
                f"export.targets = {targets}: transformers must be among them: benchmark and speed read it"
            )
        return self

    @model_validator(mode="after")
    def budget_has_costs(self) -> "Params":
        how = self.importance
        if self.prune.budget and (how.criterion not in COSTS or how.loss != "teacher_distance"):
            raise ValueError(
                f"prune.budget = {self.prune.budget}: importance.criterion {' or '.join(COSTS)} with importance.loss "
                f"teacher_distance is needed, not {how.criterion} with {how.loss}"
            )
        return self

    @model_validator(mode="after")
    def cuts_on_the_way_follow_ratios(self) -> "Params":
        chosen, cuts = self.distill, self.prune
        if (chosen.rounds > 1 or chosen.learned_gates) and cuts.budget:
            raise ValueError(
                f"prune.budget = {cuts.budget}: distill.rounds and distill.learned_gates cut to ratios; set it to null"
            )
        names = ("layers", "hidden", "embedding", "min_units_per_layer")
        others = [f"prune.{name}" for name in names if getattr(cuts, name)]
        if chosen.learned_gates and others:
            raise ValueError(f"{', '.join(others)}: distill.learned_gates cut heads and neurons alone; 0 is needed")
        return self

    @model_validator(mode="after")
    def losses_have_their_text(self) -> "Params":
        losses = self.distill.losses.keys()
        more = self.targets.monolingual != NOTHING or self.targets.augment
        if more and losses <= LOSSES_OF_TRANSLATIONS:
            raise ValueError(
                f"distill.losses {', '.join(losses)} compare translations alone, and targets.monolingual or "
                "targets.augment adds sentences without one; give cosine a weight"
            )
        guessing = sorted(losses & WORD_LOSSES)
        if guessing and self.teacher.source == "generated" and not self.targets.mlm_head_steps:
            raise ValueError(
                f"distill.losses {', '.join(guessing)}: a generated teacher has no MLM head; set targets.mlm_head_steps"
            )
        return self

    @model_validator(mode="after")
    def sizes_fit_the_teacher(self) -> "Params":
        """Where the teacher's size is known before it is loaded: a local folder's config.json, or the generated one."""
        shape = shape_of(self.teacher)
        if shape:
            refuse_more_than(shape, self)
            self.layers_can_be_mapped(shape)
        return self

    def layers_can_be_mapped(self, shape: ModelShape) -> None:
        """Raise ValueError where a cut student's layers and layer_map, or the teacher's and layer_map, differ."""
        chosen = self.distill
        if not isinstance(chosen.layer_map, list) or not (LAYER_LOSSES | WORD_LOSSES) & chosen.losses.keys():
            return
        if max(chosen.layer_map, default=0) >= shape.layers:
            raise ValueError(
                f"distill.layer_map = {chosen.layer_map}: the teacher's layers are 0 to {shape.layers - 1}"
            )
        kept = round((1 - self.prune.layers) * shape.layers)
        if chosen.student.kind == "pruned" and len(chosen.layer_map) != kept:
            raise ValueError(
                f"distill.layer_map = {chosen.layer_map}: one for each of the student's {kept} layers is needed"
            )


def found(path: Path, is_right: Callable[[Path], bool]) -> bool:
    """Whether a path is what it must be; a name that the system refuses is not there."""
    try:
        return is_right(path)
    except (OSError, ValueError):
        return False


def refuse_more_than(shape: ModelShape, params: Params) -> None:
    """Raise ValueError for a size that the teacher does not have."""
    if params.tokenize.max_length > shape.positions:
        raise ValueError(
            f"tokenize.max_length = {params.tokenize.max_length}: the teacher has {shape.positions} positions"
        )
    if round((1 - params.prune.layers) * shape.layers) < 1:
        raise ValueError(f"prune.layers = {params.prune.layers}: of {shape.layers} layers none would stay")
    student = params.distill.student
    if student.kind in ("every_kth_layer", "thin") and student.layers > shape.layers:
        raise ValueError(f"distill.student.layers = {student.layers}: the teacher has {shape.layers}")
    for name, most in (("heads", shape.heads), ("ffn", shape.ffn)):
        if student.kind == "thin" and getattr(student, name) > most:
            raise ValueError(f"distill.student.{name} = {getattr(student, name)}: the teacher has {most}")


def load(path: Path = PARAMS) -> Params:
    """Read and validate a parameter file.

    Raises ParamsError with one line: the key, its value, and what is allowed there.
    """
    try:
        raw = read_sections(path)
    except YamlError as error:
        raise ParamsError(str(error)) from error
    try:
        return Params.model_validate(raw)
    except ValidationError as error:
        raise ParamsError(f"{path}: {explain(error, raw)}") from error


def complete(sections: dict[str, Any]) -> dict[str, Any]:
    """Sections of parameters with the defaults of the keys that they leave out; a section that is not valid stays."""
    found = dict(sections)
    for name, field in Params.model_fields.items():
        if isinstance(sections.get(name), dict) and isinstance(field.annotation, type):
            with suppress(ValidationError):
                found[name] = field.annotation.model_validate(sections[name]).model_dump(mode="json")
    return found


def explain(error: ValidationError, parameters: Any) -> str:
    """The first problem that validation found in parameters, in one line."""
    return checked.explain(error, parameters, Params)
