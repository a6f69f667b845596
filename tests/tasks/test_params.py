"""params.yaml is validated as a whole, and every mistake is one line with the key, the value and what is allowed."""

from pathlib import Path

import pytest
import yaml

from tasks import params
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
        ({"teacher__path": "/no/such/folder"}, "teacher.path = /no/such/folder: no such file or folder"),
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


@pytest.mark.parametrize("profile", PROFILES, ids=lambda path: path.stem)
def test_profiles_are_complete(profile: Path) -> None:
    """A profile states every parameter: none of its results hangs on a default that a later version may change."""
    content = yaml.safe_load(profile.read_text(encoding="utf-8"))
    for section, field in params.Params.model_fields.items():
        assert set(content[section]) == set(field.annotation.model_fields), f"{profile.name}: {section}"
