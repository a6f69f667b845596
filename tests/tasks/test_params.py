"""params.yaml is validated as a whole, and every mistake is one line with the key, the value and what is allowed."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from headshrink.parameters import distill, teacher
from tasks import params, reference
from tasks.params import ParamsError

ROOT = Path(__file__).resolve().parents[2]
PROFILES = sorted(ROOT.glob("profiles/*.yaml"))


def write(tmp_path: Path, **changes: object) -> Path:
    """The demo profile with some keys, given as section__key, changed."""
    content = yaml.safe_load((ROOT / "profiles" / "demo.yaml").read_text(encoding="utf-8"))
    for name, value in changes.items():
        section, key = name.split("__")
        content[section][key] = value
    path = tmp_path / "params.yaml"
    path.write_text(yaml.safe_dump(content), encoding="utf-8")
    return path


@pytest.fixture(autouse=True)
def in_checkout(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)


def test_committed_parameters_are_valid() -> None:
    assert params.load(Path("params.yaml")).prune.ratio < 1


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"prune__ratio": 1.0}, "prune.ratio = 1.0: Input should be less than 1"),
        ({"prune__ratio": -0.1}, "prune.ratio = -0.1: Input should be greater than or equal to 0"),
        ({"prune__ratio": float("nan")}, "prune.ratio = nan"),
        ({"prune__ratoi": 0.5}, "prune.ratoi: unknown key; allowed: ratio"),
        ({"importance__criterion": "tailor"}, "importance.criterion = 'tailor': allowed: "),
        ({"distill__losses": {"cosign": 1.0}}, "allowed: "),
        ({"teacher__path": "/no/such/folder"}, "teacher.path = /no/such/folder: no such folder"),
        ({"report__colours": {"studnet": "#0000ff"}}, "allowed: teacher, pruned, student"),
    ],
)
def test_mistake_is_one_line(tmp_path: Path, change: dict[str, object], said: str) -> None:
    with pytest.raises(ParamsError) as caught:
        params.load(write(tmp_path, **change))
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_missing_section_and_bad_yaml_are_one_line(tmp_path: Path) -> None:
    path = tmp_path / "params.yaml"
    for text in ("{}", "a: [", "- 1\n"):
        path.write_text(text)
        with pytest.raises(ParamsError) as caught:
            params.load(path)
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize("profile", PROFILES, ids=lambda path: path.stem)
def test_every_key_of_a_profile_is_commented(profile: Path) -> None:
    for line in profile.read_text(encoding="utf-8").splitlines():
        if line.startswith("  ") and ":" in line:
            assert "#" in line, f"{profile.name}: no comment on {line.strip()}"


def test_the_default_parameters_are_few() -> None:
    text = (ROOT / "params.yaml").read_text(encoding="utf-8")
    assert len([line for line in text.splitlines() if line.startswith("  ") and ":" in line.split("#")[0]]) <= 25


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            {"corpus__pairs": 2000, "corpus__source": "parallel", "corpus__path": "profiles"},
            "corpus.pairs has no meaning with source parallel: its keys are path",
        ),
        ({"corpus__sha256": "0" * 64}, "corpus.sha256 has no meaning with source generated: its keys are pairs, seed"),
        ({"suite__revision": "5e70bca"}, "suite.revision has no meaning with source generated: it has no keys"),
        ({"teacher__hub_id": "a/b"}, "teacher.hub_id has no meaning with source generated: its keys are path, steps"),
        (
            {"distill__student": {"kind": "thin", "hidden": 312}},
            "distill.student.hidden has no meaning with kind thin: its keys are layers, heads, ffn, rank",
        ),
        ({"distill__student": {"layers": 2}}, "distill.student.layers has no meaning with kind pruned"),
    ],
)
def test_a_key_of_another_kind_is_refused(tmp_path: Path, change: dict[str, object], said: str) -> None:
    with pytest.raises(ParamsError) as caught:
        params.load(write(tmp_path, **change))
    assert said in str(caught.value)


def test_the_reference_names_every_parameter_with_its_default(capsys: pytest.CaptureFixture[str]) -> None:
    found = {one.name: one for one in reference.parameters()}
    assert len(found) > 90
    assert all(one.description and one.allowed for one in found.values()), found
    assert (found["prune.ratio"].default, found["prune.ratio"].allowed) == ("0.5", "number from 0 below 1")
    assert found["distill.student.rank"].only_for == "kind every_kth_layer, thin, narrow, bilstm, static"
    assert found["suite.source"].default == "required"
    reference.main()
    assert "distill.learning_rate: 0.0005" in capsys.readouterr().out


def numbers(schema: object, place: str = "") -> Iterator[tuple[str, dict[str, object]]]:
    """Every number of a JSON schema with the place where it is described, nested ones and alternatives too."""
    if isinstance(schema, dict):
        if schema.get("type") in ("integer", "number"):
            yield place, schema
        for key, part in schema.items():
            yield from numbers(part, f"{place}/{key}")
    elif isinstance(schema, list):
        for i, part in enumerate(schema):
            yield from numbers(part, f"{place}/{i}")


def test_every_number_has_a_lower_and_an_upper_bound() -> None:
    found = list(numbers(params.Params.model_json_schema()))
    assert len(found) > 60
    for place, number in found:
        assert {"minimum", "exclusiveMinimum"} & number.keys(), f"{place} has no lower bound"
        assert {"maximum", "exclusiveMaximum"} & number.keys(), f"{place} has no upper bound"


OBS = {"importance__criterion": "obs", "importance__loss": "teacher_distance"}
MAPPED = {"distill__losses": {"hidden": 1.0}}
PARALLEL = {"corpus__source": "parallel"}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"prune__budget": "ms"}, "prune.budget = ms: importance.criterion fisher or obs"),
        ({**OBS, "importance__loss": "similarity", "prune__budget": "flops"}, "not obs with similarity"),
        ({**OBS, "prune__budget": "flops", "distill__rounds": 2}, "prune.budget = flops: distill.rounds"),
        (
            {"distill__learned_gates": 0.5, "prune__layers": 0.5, "prune__min_units_per_layer": 1},
            "prune.layers, prune.min_units_per_layer: distill.learned_gates",
        ),
        ({"export__targets": ["onnx"]}, "export.targets = ['onnx']: transformers must be among them"),
        ({"export__targets": ["transformers", "transformers"]}, "export.targets = "),
        ({"benchmark__tasks": ["sts", "sts"]}, "sts is there twice"),
        ({"prune__budget_cuts": ["hidden", "hidden"]}, "hidden is there twice"),
        ({"speed__rows": ["torch", "torch"]}, "torch is there twice"),
        ({"speed__settings": ["b1_8tokens_1thread"] * 2}, "is there twice"),
        ({"speed__settings": ["b1_99999tokens_1thread"]}, "<3 to 512>tokens"),
        ({"speed__settings": ["b0_8tokens_1thread"]}, "b<1 to 16384>"),
        ({"benchmark__pairs": "no.tsv"}, "benchmark.pairs = no.tsv: no such file"),
        ({"benchmark__graded": "profiles"}, "benchmark.graded = profiles: no such file"),
        ({"targets__monolingual": "no"}, "targets.monolingual = no: no such file or folder"),
        ({"suite__source": "folder", "suite__path": "params.yaml"}, "suite.path = params.yaml: no such folder"),
        ({**PARALLEL, "corpus__path": "a\0b"}, "corpus.path = a\\x00b: no such file or folder"),
        ({**PARALLEL, "corpus__path": "x" * 5_000}, "corpus.path = xxx"),
        ({"distill__student": {"layers": 99}}, "distill.student.layers = 99: Input should be less than or equal to 64"),
        (
            {"distill__student": {"kind": "every_kth_layer", "layers": 5}},
            "distill.student.layers = 5: the teacher has 4",
        ),
        ({"distill__student": {"kind": "thin", "heads": 5}}, "distill.student.heads = 5: the teacher has 4"),
        (
            {"distill__student": {"kind": "thin", "heads": 2, "ffn": 193}},
            "distill.student.ffn = 193: the teacher has 192",
        ),
        (
            {"distill__student": {"kind": "narrow", "hidden": 313}},
            "distill.student.hidden = 313: a multiple of heads = 12",
        ),
        ({"distill__student": {"kind": "bilstm", "hidden": 313}}, "distill.student.hidden = 313: two directions"),
        ({"distill__student": {"kind": "narrow", "rank": 312}}, "distill.student.rank = 312: less than hidden"),
        ({"tokenize__max_length": 129}, "tokenize.max_length = 129: the teacher has 128 positions"),
        ({"prune__layers": 0.9}, "prune.layers = 0.9: of 4 layers none would stay"),
        (
            {**MAPPED, "distill__layer_map": [0, 1]},
            "distill.layer_map = [0, 1]: one for each of the student's 4 layers",
        ),
        ({**MAPPED, "distill__layer_map": [0, 1, 2, 4]}, "the teacher's layers are 0 to 3"),
        (
            {"distill__student": {"kind": "thin", "heads": 2, "ffn": 9}, "distill__layer_map": [1]},
            "distill.layer_map names 1",
        ),
        ({"distill__layer_map": []}, "distill.layer_map = []"),
        ({**MAPPED, "distill__student": {"kind": "static"}}, "distill.losses: a student of kind static has no layers"),
        ({**MAPPED, "distill__compile": True}, "distill.compile = true would hide"),
        ({"distill__losses": {"mlm": 1.0}}, "distill.losses mlm: a generated teacher has no MLM head"),
        ({"distill__losses": {"ranking": 1.0}, "targets__augment": 0.5}, "distill.losses ranking compare translations"),
        ({"distill__losses": {"cosine": 0}}, "distill.losses.cosine = 0: Input should be greater than 0"),
        ({"distill__losses": {"cosine": -1.0}}, "distill.losses.cosine = -1.0: Input should be greater than 0"),
        ({"distill__losses": {"cosine": [0, 0]}}, "cosine weighs nothing"),
        ({"distill__losses": {"cosine": [1, -1]}}, "distill.losses.cosine"),
        ({"distill__losses": {"cosine": [1, 2, 3]}}, "distill.losses.cosine"),
        ({"corpus__min_chars": 600}, "corpus.max_chars = 500: at least min_chars = 600"),
        ({"importance__batches": 10**12}, "importance.batches = 1000000000000: Input should be less than"),
        ({"importance__batch_size": 10**12}, "importance.batch_size = 1000000000000"),
        ({"importance__seed": 10**20}, "importance.seed = 100000000000000000000"),
        ({"importance__seed": 10**40}, "a number of 41 digits"),
        ({"distill__epochs": True}, "distill.epochs = True: Input should be a valid number"),
        ({"distill__batch_size": "64"}, "distill.batch_size = '64': Input should be a valid integer"),
        ({"distill__compile": 1}, "distill.compile = 1: Input should be a valid boolean"),
        ({"distill__epochs": float("inf")}, "distill.epochs = inf"),
        ({"distill__evaluations": 2.0}, "distill.evaluations = 2.0: Input should be a valid integer"),
        ({"report__title": 5}, "report.title = 5: Input should be a valid string"),
        ({"report__title": "x" * 10_000}, "report.title = 'xxx"),
    ],
)
def test_what_the_parameters_alone_decide_is_refused_before_the_first_stage(
    tmp_path: Path, change: dict[str, object], said: str
) -> None:
    with pytest.raises(ParamsError) as caught:
        params.load(write(tmp_path, **change))
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 400


@pytest.mark.parametrize(
    "change",
    [
        {**OBS, "prune__budget": "bytes", "prune__budget_cuts": ["hidden"]},
        {"distill__losses": {"cosine": 1, "ranking": [0, 1]}, "distill__queue": 64},
        {"distill__losses": {"hidden": 1.0}, "distill__layer_map": [3, 2, 1, 0]},
        {"distill__student": {"kind": "thin", "layers": 4, "heads": 4, "ffn": 192}},
        {"distill__losses": {"mlm": 1.0}, "targets__mlm_head_steps": 5},
        {"benchmark__pairs": "params.yaml"},
        {"targets__monolingual": "README.md"},
        {**PARALLEL, "corpus__path": "artifacts/not/yet"},
    ],
)
def test_what_goes_together_is_allowed(tmp_path: Path, change: dict[str, object]) -> None:
    params.load(write(tmp_path, **change))


def test_a_local_teacher_s_size_bounds_the_student(tmp_path: Path) -> None:
    sizes = {"num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 8, "max_position_embeddings": 200}
    (tmp_path / "config.json").write_text(json.dumps(sizes))
    change = {"teacher__source": "folder", "teacher__path": str(tmp_path)}
    student = {"kind": "every_kth_layer", "layers": 3}
    with pytest.raises(ParamsError, match=r"distill\.student\.layers = 3: the teacher has 2"):
        params.load(write(tmp_path, **change, distill__student=student))
    (tmp_path / "config.json").write_text("[" * 100_000)  # for the teacher stage to refuse
    params.load(write(tmp_path, **change, distill__student=student))


def test_facts_of_the_library_that_are_stated_here_without_torch_are_true() -> None:
    from demo.teacher import untrained_teacher
    from headshrink.distillation.losses import LOSSES, Need

    stated = {
        Need.LAYERS: distill.LAYER_LOSSES,
        Need.MASKED_LOGITS: distill.WORD_LOSSES,
        Need.TRANSLATIONS: distill.LOSSES_OF_TRANSLATIONS,
    }
    for need, names in stated.items():
        assert {name for name, loss in LOSSES.items() if need in loss.needs} == names
    config = untrained_teacher(["one two"], 0).backbone.config
    sizes = (config.num_hidden_layers, config.num_attention_heads, config.intermediate_size)
    assert teacher.ModelShape(*sizes, config.max_position_embeddings) == teacher.GENERATED_SHAPE


def test_neither_parameters_nor_the_flow_import_torch() -> None:
    code = "import sys, tasks.params, tasks.profile, flows.worktree, flows.stages; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT).returncode == 0
