"""Each default stands in one place, and functions, dataclasses and commands take it from there."""

import ast
from dataclasses import MISSING, fields
from inspect import Parameter, signature
from pathlib import Path

import pytest

import headshrink as hs
from headshrink.data.corpus import Limits as CorpusLimits
from headshrink.distillation.recipe import Recipe
from headshrink.distillation.students import StudentShape
from headshrink.errors import HeadshrinkError
from headshrink.exporting import Limits, Options
from headshrink.options import as_text, options_of, value_of
from headshrink.parameters import benchmark, corpus, distill, export, importance, prune, speed
from headshrink.parameters.distill_library import LibraryDistillParams
from headshrink.parameters.prune import LibraryPruneParams, StagePruneParams
from headshrink.pruning import CutSettings
from headshrink.pruning.within import Budget
from tasks.params import Params

ROOT = Path(hs.__file__).parent
SECTIONS = {
    "importance": [importance.DEFAULTS],
    "pruning": [prune.DEFAULTS],
    "distillation": [distill.DEFAULTS, distill.DEFAULTS.student],
    "exporting": [export.DEFAULTS, export.DEFAULTS.gate],
    "benchmarking": [benchmark.DEFAULTS],
    "speed": [speed.DEFAULTS],
    "corpus": [corpus.DEFAULTS],
}
FRONT_DOOR = {
    "score": [importance.DEFAULTS],
    "prune": [LibraryPruneParams(), importance.DEFAULTS],
    "distill": [LibraryDistillParams()],
    "export": [export.DEFAULTS],
    "benchmark": [benchmark.DEFAULTS],
    "read_corpus": [corpus.DEFAULTS],
}


@pytest.mark.parametrize("name", FRONT_DOOR)
def test_an_option_of_the_front_door_has_the_parameters_default(name):
    arguments = signature(getattr(hs, name)).parameters
    found = set()
    for section in FRONT_DOOR[name]:
        for key in type(section).model_fields.keys() & arguments.keys():
            default = arguments[key].default
            assert default is Parameter.empty or default == getattr(section, key), key
            found.add(key)
    assert found
    assert not any(argument.kind == Parameter.VAR_KEYWORD for argument in arguments.values()), "help() hides options"


@pytest.mark.parametrize(
    ("made", "section"),
    [
        (Recipe, distill.DEFAULTS),
        (StudentShape, distill.DEFAULTS.student),
        (CutSettings, prune.DEFAULTS),
        (Budget, prune.DEFAULTS),
        (Limits, export.DEFAULTS.gate),
        (Options, export.DEFAULTS),
        (CorpusLimits, corpus.DEFAULTS),
    ],
)
def test_a_dataclass_of_the_library_has_the_parameters_defaults(made, section):
    shared = [field for field in fields(made) if field.name in type(section).model_fields and field.default != MISSING]
    assert shared
    for field in shared:
        stated = getattr(section, field.name)
        assert field.default == (section.ratio if stated is None and made is CutSettings else stated), field.name


def literal_defaults(file: Path):
    """(name, value) of every default that a file writes out, of arguments and of annotated names."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        pairs: list[tuple[str, ast.expr | None]] = []
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            pairs = [(node.target.id, node.value)]
        elif isinstance(node, ast.FunctionDef):
            given = node.args
            named = [*given.posonlyargs, *given.args]
            named = named[len(named) - len(given.defaults) :]
            defaults = [*given.defaults, *given.kw_defaults]
            pairs = [(each.arg, value) for each, value in zip([*named, *given.kwonlyargs], defaults, strict=True)]
        yield from ((name, value.value) for name, value in pairs if isinstance(value, ast.Constant))


@pytest.mark.parametrize("package", SECTIONS)
def test_no_default_of_a_parameter_is_written_out_in_the_library(package):
    """`ridge` once had nine definitions. null and seeds are left out: a seed is of whatever has it."""
    stated = {
        (name, getattr(section, name))
        for section in SECTIONS[package]
        for name in type(section).model_fields
        if isinstance(getattr(section, name), str | int | float) and name != "seed"
    }
    again = {
        f"{file.relative_to(ROOT)}: {name} = {value}"
        for file in (ROOT / package).rglob("*.py")
        for name, value in literal_defaults(file)
        if (name, value) in stated
    }
    assert not again


def test_the_stages_sections_are_a_part_of_what_the_functions_take():
    assert LibraryPruneParams.model_fields.keys() > StagePruneParams.model_fields.keys()
    assert LibraryDistillParams.model_fields.keys() > Params.model_fields["distill"].annotation.model_fields.keys()


@pytest.mark.parametrize("name", Params.model_fields)
def test_every_default_can_be_typed_on_a_command_line(name):
    """What the help shows as a default is read as that default, whatever its type."""
    for option in options_of(Params.model_fields[name].annotation):
        if option.field.is_required():
            continue
        default = option.field.get_default(call_default_factory=True)
        text = as_text(default)
        given = text.split() if isinstance(default, dict) else default if isinstance(default, bool) else text
        assert option.value(given) == default, option.flag


@pytest.mark.parametrize(
    ("text", "value"),
    [("last", "last"), ("0,2", [0, 2]), ("1", [1]), ("uniform", "uniform"), ("never", "never")],
)
def test_a_value_of_several_types_is_read_as_the_one_that_it_can_be(text, value):
    schema = distill.DistillParams.model_json_schema()["properties"]["layer_map"]
    assert value_of(text, schema) == value


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: hs.score(None, None, batchs=1), "batchs: unknown key; allowed: criterion, loss"),
        (lambda: hs.score(None, None, criterion="tailor"), "criterion = 'tailor': allowed: fisher"),
        (lambda: hs.prune(None, None, None, heads=1.0), "heads = 1.0: Input should be less than 1"),
        (lambda: hs.distill(None, {"kind": "thin", "hidden": 3}, None), "student.hidden has no meaning with kind thin"),
        (lambda: hs.distill(None, {"kind": "thin"}, None, epochs=0), "epochs = 0: Input should be greater than 0"),
        (lambda: hs.export(None, "x", None, targets=("onxx",)), "targets.0 = 'onxx': allowed: onnx"),
        (lambda: hs.benchmark("x", "y", batch_size="64"), "batch_size = '64': Input should be a valid integer"),
    ],
)
def test_an_option_that_is_not_allowed_is_one_line_before_any_work(call, message):
    with pytest.raises(HeadshrinkError) as caught:
        call()
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
